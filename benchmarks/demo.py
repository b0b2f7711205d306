"""How long a newcomer waits: whole demos, from nothing to the report, on the cores given.

    python benchmarks/demo.py --runs 3 --cores 0,1

Each run is a process of its own in a root of its own; the median and the range are printed, with what was built.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def demo(root: Path) -> float:
    """Seconds of one `crystal-lake demo`."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "pipelines.cli", "--root", str(root), "--quiet", "demo"]
    subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Run, and print one line per run and one of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cores", default="0,1", help="cores the runs may use")
    asked = parser.parse_args()
    os.sched_setaffinity(0, {int(core) for core in asked.cores.split(",")})
    seconds = []
    for _ in range(asked.runs):
        with tempfile.TemporaryDirectory() as folder:
            seconds.append(demo(Path(folder) / "lake"))
            print(f"demo {seconds[-1]:6.1f} s", flush=True)
    print(f"median {statistics.median(seconds):.0f} s, {min(seconds):.0f} to {max(seconds):.0f} s, cores {asked.cores}")


if __name__ == "__main__":
    main()
