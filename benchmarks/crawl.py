"""What a crawl costs: CPU per record beyond parsing and writing, and memory as the number of records grows.

    python benchmarks/crawl.py --records 100000 300000 1000000 --cores 0,1 --picture docs/pictures/crawl-memory.png

A server on loopback tells synthetic OPTIMADE structures (8 atoms, about 1.1 kB each) as OQMD does; its own source
crawls them into a lake of its own, one process for each size, on the first of the cores; the server has the second.
Printed for each size: seconds, CPU per record, of it parsing (orjson on the same bytes) and writing (the same batches
to Delta once more), what is left, peak memory; and whether every record arrived.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np

PER_PAGE = 1000
ATOMS = 8
COMPARED = re.compile(r"(nelements|nsites)\s*(<=|>=|<|>|=)\s*(\d+)")


def column(records: int) -> dict[str, np.ndarray]:
    """nelements and nsites of each record, by which a crawl divides them: shape (records,) each."""
    number = np.arange(records)
    return {"nelements": number % 6 + 1, "nsites": number // 6 % 40 + 1}


def structure(number: int, nelements: int, nsites: int) -> str:
    """One structure as JSON; `nsites` is what it claims, so that parts are small, and 8 atoms are what it holds."""
    a = 3 + number % 1000 / 1000
    sites = ",".join(f"[{x:.6f},{(x * 7) % 1:.6f},{(x * 3) % 1:.6f}]" for x in np.linspace(0, 0.9, ATOMS))
    return (
        f'{{"type":"structures","id":{number},"attributes":{{"nelements":{nelements},"nsites":{nsites},'
        f'"chemical_formula_reduced":"MgO","lattice_vectors":[[{a},0,0],[0,{a},0],[0,0,{a}]],'
        f'"cartesian_site_positions":[{sites}],"_oqmd_direct_site_positions":[{sites}],'
        '"species_at_sites":["Mg","Mg","Mg","Mg","O","O","O","O"],'
        '"species":[{"name":"Mg","chemical_symbols":["Mg"],"concentration":[1.0]},'
        '{"name":"O","chemical_symbols":["O"],"concentration":[1.0]}],"last_modified":null,'
        f'"_oqmd_entry_id":{number},"_oqmd_band_gap":{number % 50 / 10},"_oqmd_delta_e":{-(number % 30) / 10},'
        f'"_oqmd_stability":{number % 20 / 100},"_oqmd_volume":{a**3:.6f},"_oqmd_spacegroup":"P1"}}}}'
    )


def page(columns: dict[str, np.ndarray], base: str, query: str) -> bytes:
    """One answer of /optimade/structures."""
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    chosen = np.ones(len(columns["nsites"]), bool)
    for name, sign, value in COMPARED.findall(asked.get("filter", "")):
        compare = {"<=": np.less_equal, ">=": np.greater_equal, "<": np.less, ">": np.greater, "=": np.equal}[sign]
        chosen &= compare(columns[name], int(value))
    numbers = np.flatnonzero(chosen)
    offset, limit = int(asked.get("page_offset", 0)), int(asked.get("page_limit", 50))
    rows = numbers[offset : offset + limit]
    data = ",".join(structure(n, columns["nelements"][n], columns["nsites"][n]) for n in rows.tolist())
    more = offset + limit < len(numbers)
    following = f'"{base}/oqmd/optimade/structures?page_offset={offset + limit}&page_limit={limit}"' if more else "null"
    meta = json.dumps({"data_returned": len(numbers), "data_available": len(chosen), "more_data_available": more})
    return f'{{"data":[{data}],"links":{{"next":{following}}},"meta":{meta}}}'.encode()


async def serve(records: int, port: int) -> None:
    """The server, until it is killed."""
    columns = column(records)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            target = head.split(b" ", 2)[1].decode()
            body = page(columns, f"http://127.0.0.1:{port}", urlsplit(target).query)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
            writer.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()

    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(quietly, "127.0.0.1", port)
    await server.serve_forever()


def crawl(records: int, port: int, root: str) -> dict[str, object]:
    """One crawl in this process, watched."""
    from lake.crawl import crawl as whole
    from lake.settings import Settings
    from lake.sources import source_named
    from lake.store import Lake

    memory: list[tuple[float, float]] = []
    begun, over = time.monotonic(), threading.Event()

    def watch() -> None:
        while not over.wait(0.5):
            memory.append((time.monotonic() - begun, _resident()))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    lake = Lake(root)
    settings = Settings.for_mirror(f"http://127.0.0.1:{port}", root=root, oqmd_page_limit=PER_PAGE)
    began = time.process_time()
    report = whole(lake, source_named("oqmd", settings))
    cpu, seconds = time.process_time() - began, time.monotonic() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    over.set()
    watcher.join()
    return {
        "records": records, "state": report.state, "arrived": report.records_new, "requests": report.requests,
        "seconds": seconds, "cpu": cpu / records * 1e6, "peak": peak, "memory": memory, "error": report.error,
        **parsing_and_writing(lake, records),
    }  # fmt: skip


def parsing_and_writing(lake: object, records: int) -> dict[str, float]:
    """Microseconds a record for what no crawl can do without: JSON in and out, and one write to Delta in batches."""
    import orjson

    from lake.store import Lake
    from lake.tables import RECORDS

    columns = column(PER_PAGE * 6)
    bodies = [page(columns, "http://h", f"page_offset={PER_PAGE * n}&page_limit={PER_PAGE}") for n in range(6)]
    began = time.process_time()
    for body in bodies:
        for row in orjson.loads(body)["data"]:
            orjson.dumps(row).decode()
    parsing = (time.process_time() - began) / (PER_PAGE * 6) * 1e6
    assert isinstance(lake, Lake)
    batch = lake.scan(RECORDS).head(min(30_000, records)).collect()
    with tempfile.TemporaryDirectory() as folder:
        other = Lake(folder)
        began = time.process_time()
        other.append(RECORDS, batch)
        writing = (time.process_time() - began) / len(batch) * 1e6
    return {"parsing": parsing, "writing": writing}


def _resident() -> float:
    """MiB of this process in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def draw(runs: list[dict], path: Path) -> None:
    """Memory over the share of a crawl, a line for each size."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3.6), constrained_layout=True)
    for run in runs:
        times, resident = zip(*run["memory"], strict=True)
        axes.plot(np.array(times) / times[-1], resident, label=f"{run['records']:,} records, {run['seconds']:.0f} s")
    axes.set(xlabel="share of the crawl's time", ylabel="resident memory (MiB)", ylim=(0, None), xlim=(0, 1))
    axes.axhline(1024, color="0.6", linestyle=":", linewidth=1)
    axes.legend(frameon=False, loc="lower right")
    axes.set_title("A crawl's memory does not grow with its records", loc="left", fontsize=10)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Run each size, print a line for each, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--cores", default="0,1", help="core of the crawl, core of the server")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--port", type=int, default=8643)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--crawl", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--root", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        asyncio.run(serve(asked.serve, asked.port))
    elif asked.crawl:
        print(json.dumps(crawl(asked.crawl, asked.port, asked.root)))
    else:
        compare(asked)


def compare(asked: argparse.Namespace) -> None:
    """Server and crawl as processes of their own, for each size."""
    mine, other = asked.cores.split(",")
    env = os.environ | {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "CRYSTAL_LAKE_QUIET": "1"}
    me = [sys.executable, __file__, "--port", str(asked.port)]
    runs = []
    for records in asked.records:
        server = subprocess.Popen(["taskset", "-c", other, *me, "--serve", str(records)], env=env)
        try:
            time.sleep(2)
            with tempfile.TemporaryDirectory() as root:
                words = ["taskset", "-c", mine, *me, "--crawl", str(records), "--root", root]
                done = subprocess.run(words, env=env, check=True, capture_output=True, text=True)
        finally:
            server.kill()
            server.wait()
        run = json.loads(done.stdout.splitlines()[-1])
        runs.append(run)
        beyond = run["cpu"] - run["parsing"] - run["writing"]
        print(
            f"{records:>9,} records: {run['state']}, {run['arrived']:,} arrived in {run['requests']:,} requests, "
            f"{run['seconds']:.0f} s, CPU {run['cpu']:.0f} us a record (parsing {run['parsing']:.0f}, writing "
            f"{run['writing']:.0f}, beyond {beyond:.0f}), peak {run['peak']:.0f} MiB",
            flush=True,
        )
    if asked.picture:
        draw(runs, asked.picture)


if __name__ == "__main__":
    main()
