"""OPTIMADE pages to arrays, beside pymatgen making a Structure of each: how much longer one structure takes.

    python benchmarks/optimade.py --rounds 15 --core 0

Ours: the bytes of a page -> lattices, fractional positions and atomic numbers of all its structures, JSON included.
Theirs: Structure.from_dict, of dictionaries as Structure.as_dict makes them, of the same structures; once without JSON
(what the ratio is of) and once with json.loads before it, for information. Also what the lake pays when it reads its
records: payloads -> entries, at once and one by one. Both sides take turns in one process, on one core; medians.

Pages: the five that OQMD's OPTIMADE gave in 2021 (1,000 structures), from $CRYSTAL_LAKE_REAL_DATA or ../shared/data;
where they are not, as many of its shape, made here. Needs OMP_NUM_THREADS=1 in the environment, and sets it.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import gc
import json
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
from pymatgen.core import Structure

from lake.crystal import SYMBOLS
from lake.settings import Settings
from lake.sources.optimade.arrays import structures_of
from lake.sources.oqmd.source import source

SLICE = 0.3  # s
RECORDED = Path("wire/oqmd/optimade_five_pages.json")


def pages() -> tuple[list[bytes], str]:
    """The bytes of five pages of 200 structures, and whose they are."""
    file = Path(os.environ.get("CRYSTAL_LAKE_REAL_DATA", "../shared/data")) / RECORDED
    if file.is_file():
        return [orjson.dumps(page) for page in orjson.loads(file.read_bytes())], "recorded from OQMD"
    return [orjson.dumps({"data": [made(200 * n + k) for k in range(200)]}) for n in range(5)], "made here"


def made(number: int) -> dict:
    """A structure of the shape of the recorded ones: 4 to 28 sites, six decimals."""
    rng, sites = np.random.default_rng(number), 4 + number % 25
    lattice = np.round(np.diag([4.0, 5.0, 6.0]) * np.cbrt(sites / 8) + rng.normal(0, 0.3, (3, 3)), 6)
    symbols = [SYMBOLS[z] for z in rng.integers(3, 84, 3)]
    attributes = {
        "lattice_vectors": lattice.tolist(),
        "species_at_sites": [symbols[k % 3] for k in range(sites)],
        "cartesian_site_positions": np.round(rng.random((sites, 3)) @ lattice, 6).tolist(),
        "_oqmd_entry_id": number, "_oqmd_band_gap": 0.5,
    }  # fmt: skip
    return {"id": number, "type": "structures", "attributes": attributes}


def in_turns(rounds: int, **works: Callable[[], object]) -> dict[str, float]:
    """Median seconds of each; in every round each works for SLICE seconds, so that none starts cold more often."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(rounds):
        for name, work in works.items():
            began, n = time.perf_counter(), 0
            while (spent := time.perf_counter() - began) < SLICE:
                work()
                n += 1
            seconds[name].append(spent / n)
    return {name: statistics.median(found) for name, found in seconds.items()}


def main() -> None:
    """Measure, and print microseconds a structure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--core", type=int, default=0)
    asked = parser.parse_args()
    os.sched_setaffinity(0, {asked.core})
    warnings.simplefilter("ignore")

    bodies, whose = pages()
    read = [structures_of(body) for body in bodies]
    crystals = [page.crystal(k) for page in read for k in range(len(page))]
    dicts = [crystal.to_pymatgen().as_dict() for crystal in crystals]
    texts = [json.dumps(one) for one in dicts]
    payloads = [orjson.dumps(row).decode() for body in bodies for row in orjson.loads(body)["data"]]
    oqmd, n = source(Settings()), len(crystals)
    sites = sum(map(len, crystals)) / n
    print(f"{n} structures, {sites:.1f} sites each, {whose}; core {asked.core}, {asked.rounds} rounds")
    gc.freeze()  # what the benchmark itself holds is not gone through while either side works

    found = in_turns(
        asked.rounds,
        arrays=lambda: [structures_of(body) for body in bodies],
        json=lambda: [orjson.loads(body) and None for body in bodies],
        pymatgen=lambda: [Structure.from_dict(one) for one in dicts],
        with_json=lambda: [Structure.from_dict(json.loads(text)) for text in texts],
        entries=lambda: oqmd.read_many(payloads),
        entry=lambda: [oqmd.read(payload) for payload in payloads],
    )
    us = {name: seconds / n * 1e6 for name, seconds in found.items()}
    ratio = {name: us[name] / us["arrays"] for name in us}
    print(f"page bytes to arrays              {us['arrays']:8.1f} us   (of it JSON {us['json']:.1f})")
    print(f"pymatgen Structure.from_dict      {us['pymatgen']:8.1f} us   {ratio['pymatgen']:.0f} x")
    print(f"  with json.loads before it       {us['with_json']:8.1f} us   {ratio['with_json']:.0f} x")
    print(f"payloads to entries, at once      {us['entries']:8.1f} us")
    print(f"payloads to entries, one by one   {us['entry']:8.1f} us   {us['entry'] / us['entries']:.1f} x")


if __name__ == "__main__":
    main()
