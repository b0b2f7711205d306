"""Identity at scale: a lake of a million crystals whose duplicates are known, clustered shard by shard.

    OMP_NUM_THREADS=1 python -m benchmarks.identity.million --structures 100000 300000 1000000 --processes 2

Bases are the real structures of real.py up to 60 atoms. Each is told several times, changed within half of every
tolerance (noise to 0.02 A, scaling to 0.7 %, strain to 0.4 %), rotated, shifted, shuffled, a third of them in another
cell and a fifth in a supercell: two copies of one base are the same by the definition. How many copies a base has is
drawn from a geometric distribution. Where the bases do not suffice, they are told again under other elements, all
exchanged by one permutation; a formula that another permutation has taken already is left out, so nothing meets that
is not known. Crowded formulas (SiO2) come first and stay whole.

What is known: bases that `clustered` joins as they are told, and their copies, under one permutation, are one cluster.
Where two bases lie near the border of the definition, their copies may lie on either side of it, whatever anybody says;
formulas without such a pair are told apart as clear ones.

Entries are written to a real lake in pieces, and its own step, `write_materials`, works on each shard in a process of
its own, whose CPU time, wall time and peak memory are told. Prints Markdown. Under one `--root`, the last table and
the picture show the sizes of earlier runs too.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import combinations
from math import comb
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.identity import made
from lake.crystal import NUMBER, SYMBOLS, Crystal
from lake.shards import ALL, shard_of
from lake.store import Lake
from lake.structures.definition import SAME
from lake.tables import ENTRIES, MATCHES, MATERIALS

NOISE, SCALE, STRAIN = 0.02, 0.007, 0.004  # the most that a copy is changed: less than half of each tolerance
ELEMENTS = [*range(1, 84), *range(89, 95)]  # what the bases are made of
CROWDED = 20  # bases of one formula
PERMUTATIONS = 30
ROWS_AT_ONCE = 20_000
SOURCES = ("mp", "aflow", "oqmd")


# -- bases and plan ------------------------------------------------------------------------------------------------


def write_bases(folder: Path, largest: int) -> None:
    """The real structures up to so many atoms, with the cluster of each, and whether its formula is clear."""
    from benchmarks.identity.real import real_structures
    from lake.structures.cluster import clustered
    from lake.structures.compare import Candidate

    buckets = defaultdict(list)
    for told in real_structures():
        if len(told.crystal) <= largest:
            buckets[told.formula].append(Candidate(told.name, told.source, told.formula, told.crystal))
    rows = []
    for formula in sorted(buckets):
        clear = is_clear(buckets[formula])
        for cluster in clustered(buckets[formula]).clusters:
            for entry in cluster:
                crystal = entry.crystal
                rows.append((
                    formula, cluster[0].entry_id, clear,
                    crystal.lattice.ravel().tolist(), crystal.positions.ravel().tolist(), crystal.numbers.tolist(),
                ))  # fmt: skip
    frame = pl.DataFrame(rows, schema=["formula", "cluster", "clear", "lattice", "positions", "numbers"], orient="row")
    frame.write_parquet(folder / "bases.parquet")


def is_clear(bases: list) -> bool:
    """Whether no two bases of this formula are so near the border that their copies may lie on either side of it."""
    from lake.structures.compare import distance, superposition

    for one, other in combinations(bases, 2):
        if distance(one, other) > 2:  # two copies come nearer by 0.04 A of 0.05, and 0.4 of 2 %: less than 1
            continue
        found = superposition(one, other)
        if found is None:
            continue
        held = SAME.held(*found[:3])
        margin = {"scale": 2 * (SCALE + STRAIN), "strain": 2 * STRAIN, "displacement": 2 * NOISE}
        outside = any(held[name] > getattr(SAME, name) + margin[name] for name in held)
        inside = all(held[name] <= getattr(SAME, name) - margin[name] for name in held)
        if not (inside or outside):
            return False
    return True


def write_plan(folder: Path, structures: int, copies: float) -> None:
    """How often each base is told under each permutation of elements: one row for each, until there are enough."""
    bases = pl.read_parquet(folder.parent / "bases.parquet", columns=["formula", "cluster"]).with_row_index("base")
    by_formula = {formula: rows for (formula,), rows in bases.group_by("formula", maintain_order=True)}
    rng = np.random.default_rng(0)
    taken: set[str] = set()
    rows, left = [], structures
    for number, permutation in enumerate(permutations()):
        order = rng.permutation(sorted(by_formula)).tolist()
        order.sort(key=lambda formula: len(by_formula[formula]) < CROWDED)
        for formula in order:
            relabelled = relabelled_formula(formula, permutation)
            if relabelled in taken:
                continue
            taken.add(relabelled)
            some = by_formula[formula]["base"].to_list()
            for base, n in zip(some, rng.geometric(1 / copies, len(some)).tolist(), strict=True):
                n = min(n, left)
                left -= n
                if n:
                    rows.append((base, number, relabelled, shard_of(relabelled), n))
            if not left:
                plan = pl.DataFrame(rows, schema=["base", "permutation", "formula", "shard", "n"], orient="row")
                plan.sort("shard", "formula").write_parquet(folder / "plan.parquet")
                return
    raise SystemExit(f"these bases give {structures - left:,} structures: ask for fewer, or for more copies")


def permutations() -> Iterator[np.ndarray]:
    """Atomic number -> atomic number; the first changes nothing."""
    rng = np.random.default_rng(1)
    for number in range(PERMUTATIONS):
        table = np.arange(len(SYMBOLS))
        if number:
            table[ELEMENTS] = rng.permutation(ELEMENTS)
        yield table


def relabelled_formula(formula: str, permutation: np.ndarray) -> str:
    """The reduced formula with other elements."""
    from pymatgen.core import Composition

    with warnings.catch_warnings():  # noble gases have no electronegativity, which only orders the symbols
        warnings.simplefilter("ignore")
        counts = Composition(formula).get_el_amt_dict()
        return Composition({SYMBOLS[permutation[NUMBER[s]]]: n for s, n in counts.items()}).reduced_formula


# -- entries -------------------------------------------------------------------------------------------------------


def copy_of(base: Crystal, rng: np.random.Generator) -> Crystal:
    """The base as another database might tell it, the same by the definition as every other copy."""
    told = base
    if rng.random() < 0.2:
        told = made.supercell(told, (2, 1, 1))
    told = made.scaled(told, rng.uniform(-SCALE, SCALE))
    told = made.strained(told, rng.uniform(0, STRAIN), rng)
    told = made.displaced(told, rng.uniform(0, NOISE), rng)
    if rng.random() < 1 / 3:
        told = made.recut(told, rng)
    return made.shuffled(made.shifted(made.rotated(told, rng), rng), rng)


def write_entries(folder: Path, shard: str) -> None:
    """Make the entries of this shard, and write them, sorted by formula, in pieces; known clusters beside the lake."""
    lake = Lake(folder)
    plan = pl.read_parquet(folder / "plan.parquet").filter(pl.col("shard") == shard)
    bases = pl.read_parquet(folder.parent / "bases.parquet")
    tables = list(permutations())
    rng = np.random.default_rng(int(shard))
    names = iter(rng.permutation(plan["n"].sum()).tolist())  # an id says nothing about the cluster
    at = datetime.now(UTC)
    rows, labels, piece = [], [], 0

    def write() -> None:
        lake.append(ENTRIES, ENTRIES.frame(rows))
        known = pl.DataFrame(labels, schema=["entry_id", "known", "clear"], orient="row")
        known.write_parquet(folder / "known" / f"{shard}-{piece:03d}.parquet")

    for base, number, formula, _, n in plan.iter_rows():
        told = bases.row(base, named=True)
        numbers = tables[number][told["numbers"]]
        crystal = Crystal(told["lattice"], told["positions"], numbers)
        for _ in range(n):
            name, source = f"{shard}-{next(names)}", SOURCES[rng.integers(len(SOURCES))]
            rows.append(_row(f"{source}:{name}", source, name, formula, shard, copy_of(crystal, rng), at))
            labels.append((f"{source}:{name}", f"{told['cluster']} {number}", told["clear"]))
        if len(rows) >= ROWS_AT_ONCE:
            write()
            rows, labels, piece = [], [], piece + 1
    if rows:
        write()


def _row(
    entry_id: str, source: str, name: str, formula: str, shard: str, crystal: Crystal, at: datetime
) -> dict[str, object]:
    return {
        "entry_id": entry_id, "source": source, "source_id": name, "kind": "bulk", "reduced_formula": formula,
        "shard": shard, "n_atoms": len(crystal), "volume": crystal.volume, "lattice": crystal.lattice.ravel().tolist(),
        "positions": crystal.positions.ravel().tolist(), "numbers": crystal.numbers.tolist(), "species": None,
        "structure_hash": crystal.structure_hash, "year": None, "level_of_theory": "made", "licence": "made",
        "payload_sha256": crystal.structure_hash, "fetched_at": at,
    }  # fmt: skip


# -- identity ------------------------------------------------------------------------------------------------------


def find(folder: Path, shard: str) -> dict[str, float]:
    """Run the lake's step on this shard, in this process."""
    from lake.structures.materials import write_materials

    began, cpu = time.perf_counter(), time.process_time()
    counts = write_materials(Lake(folder), [shard], processes=1)
    cpu, wall, most = time.process_time() - cpu, time.perf_counter() - began, peak()
    print(f"shard {shard}: {counts}, {cpu:.0f} s of CPU, {wall:.0f} s, {most:.0f} MiB", file=sys.stderr)
    return counts | {"cpu": cpu, "wall": wall, "peak": most}


def peak() -> float:
    """The most memory that this process had, in MiB; getrusage would tell its parent's, where that had more."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024


def judge(folder: Path) -> dict[str, object]:
    """What was found against what is known: pairs of entries in one material, counted from the sizes of clusters."""
    lake = Lake(folder)
    found = lake.scan(MATERIALS).select("material_id", entry_id="members").explode("entry_id")
    both = pl.scan_parquet(folder / "known" / "*.parquet").join(found, on="entry_id", how="left").collect()
    crowded = (
        lake.scan(ENTRIES).group_by("reduced_formula").agg(entries=pl.len())
        .sort("entries", "reduced_formula", descending=[True, False]).head(10)
        .join(lake.scan(MATCHES).group_by("reduced_formula").agg(calls=pl.len()), on="reduced_formula", how="left")
        .join(lake.scan(MATERIALS).group_by("reduced_formula").agg(materials=pl.len()), on="reduced_formula")
        .sort("entries", "reduced_formula", descending=[True, False]).collect()
    )  # fmt: skip
    return {
        "missing": both["material_id"].null_count(),
        "known": both["known"].n_unique(),
        "all": pairs_of(both),
        "clear": pairs_of(both.filter("clear")),
        "crowded": crowded.to_dicts(),
        "bytes": sum(file.stat().st_size for file in folder.rglob("*.parquet")),
    }


def pairs_of(both: pl.DataFrame) -> dict[str, int]:
    """Pairs in one known cluster, pairs in one material, and pairs in both."""
    return {"entries": len(both)} | {
        name: sum(comb(n, 2) for n in both.group_by(columns).len()["len"].to_list())
        for name, columns in (("true", ["known"]), ("found", ["material_id"]), ("right", ["known", "material_id"]))
    }


# -- processes and words -------------------------------------------------------------------------------------------


def run(step: str, folder: Path, *words: object) -> dict:
    """A step in a process of its own; what it printed."""
    command = [sys.executable, "-m", "benchmarks.identity.million", "--step", step, "--root", str(folder)]
    env = os.environ | {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "CRYSTAL_LAKE_QUIET": "1"}
    done = subprocess.run([*command, *map(str, words)], env=env, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measured(asked: argparse.Namespace, root: Path, structures: int) -> dict:
    """Make a lake of so many structures, find its materials, judge them, and delete it."""
    folder = root / str(structures)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "known").mkdir(parents=True)
    began = time.perf_counter()
    run("plan", folder, "--structures", structures, "--copies", asked.copies)
    with ThreadPoolExecutor(asked.processes) as pool:
        list(pool.map(lambda shard: run("entries", folder, "--shard", shard), ALL))
        made_in, began = time.perf_counter() - began, time.perf_counter()
        shards = list(pool.map(lambda shard: run("identity", folder, "--shard", shard), ALL))
    told = {"structures": structures, "made": made_in, "wall": time.perf_counter() - began, "shards": shards}
    told |= run("judge", folder)
    shutil.rmtree(folder)
    return told


def words_of(told: dict) -> Iterator[str]:
    """One lake in Markdown."""
    yield f"## {told['structures']:,} structures\n"
    total = totals(told)
    yield (
        f"Made and written in {told['made']:.0f} s, {told['bytes'] / 1e9:.2f} GB; identity {told['wall']:.0f} s of "
        f"wall time, {total['cpu']:.0f} s of CPU; {total['materials']:,} materials, {told['known']:,} clusters known, "
        f"{told['missing']} entries in no material\n"
    )
    yield "| shard | entries | materials | superpositions asked | CPU | wall | peak memory |"
    yield "|---|---|---|---|---|---|---|"
    for shard, one in zip(ALL, told["shards"], strict=True):
        yield (
            f"| {shard} | {one['entries']:,} | {one['materials']:,} | {one['matcher_calls']:,} | {one['cpu']:.0f} s "
            f"| {one['wall']:.0f} s | {one['peak']:.0f} MiB |"
        )
    yield "\n| pairs | entries | known | found | both | precision | recall |"
    yield "|---|---|---|---|---|---|---|"
    for name in ("all", "clear"):
        some = told[name]
        yield (
            f"| {name} formulas | {some['entries']:,} | {some['true']:,} | {some['found']:,} | {some['right']:,} "
            f"| {some['right'] / max(some['found'], 1):.6f} | {some['right'] / max(some['true'], 1):.6f} |"
        )
    yield "\n| crowded formula | entries | materials | all pairs | superpositions asked | times fewer |"
    yield "|---|---|---|---|---|---|"
    for one in told["crowded"]:
        pairs, calls = comb(one["entries"], 2), one["calls"] or 0
        yield (
            f"| {one['reduced_formula']} | {one['entries']:,} | {one['materials']:,} | {pairs:,} | {calls:,} "
            f"| {pairs / max(calls, 1):,.0f} |"
        )
    yield ""


def totals(told: dict) -> dict[str, float]:
    """Sums over the shards."""
    return {name: sum(one[name] for one in told["shards"]) for name in ("entries", "materials", "matcher_calls", "cpu")}


def growth(runs: list[dict]) -> Iterator[str]:
    """All sizes side by side."""
    yield "| structures | materials | superpositions asked | per entry | CPU | CPU per entry | wall | peak of a shard |"
    yield "|---|---|---|---|---|---|---|---|"
    for told in runs:
        total, entries = totals(told), told["structures"]
        yield (
            f"| {entries:,} | {total['materials']:,} | {total['matcher_calls']:,} "
            f"| {total['matcher_calls'] / entries:.2f} | {total['cpu']:,.0f} s | {total['cpu'] / entries * 1e3:.2f} ms "
            f"| {told['wall']:.0f} s | {max(one['peak'] for one in told['shards']):.0f} MiB |"
        )


def draw(runs: list[dict], path: Path) -> None:
    """CPU time and peak memory against the number of structures."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3.2), constrained_layout=True)
    sizes = [told["structures"] for told in runs]
    left.plot(sizes, [totals(told)["cpu"] / told["structures"] * 1e3 for told in runs], "o-")
    left.set(xlabel="structures", ylabel="CPU time per entry (ms)", xscale="log", ylim=(0, None))
    left.set_title("Time per entry", loc="left", fontsize=10)
    entries, memory = zip(*[(one["entries"], one["peak"]) for told in runs for one in told["shards"]], strict=True)
    right.plot(entries, memory, ".")
    right.set(xlabel="entries in a shard", ylabel="peak memory (MiB)", ylim=(0, None), xlim=(0, None))
    right.set_title("Memory of a shard", loc="left", fontsize=10)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Measure each size, and print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--structures", type=int, nargs="+", default=[1_000_000])
    words.add_argument("--copies", type=float, default=6, help="of a base under one permutation, on average")
    words.add_argument("--largest", type=int, default=60, help="atoms of a base")
    words.add_argument("--processes", type=int, default=2)
    words.add_argument("--root", type=Path, help="where the lakes are made; 1,000,000 structures take a few GB")
    words.add_argument("--picture", type=Path)
    words.add_argument("--step", help=argparse.SUPPRESS)
    words.add_argument("--shard", help=argparse.SUPPRESS)
    asked = words.parse_args()
    if asked.step:
        print(json.dumps(step(asked)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        root = asked.root or Path(temporary)
        root.mkdir(parents=True, exist_ok=True)
        if not (root / "bases.parquet").exists():
            run("bases", root, "--largest", asked.largest)
        kept = root / "runs.jsonl"
        for structures in asked.structures:
            told = measured(asked, root, structures)
            with kept.open("a") as file:
                file.write(json.dumps(told) + "\n")
            print("\n".join(words_of(told)), flush=True)
        runs = sorted(map(json.loads, kept.read_text().splitlines()), key=lambda told: told["structures"])
    print("\n".join(growth(runs)))
    if asked.picture:
        draw(runs, asked.picture)


def step(asked: argparse.Namespace) -> dict:
    """One step of the work, in this process."""
    if asked.step == "bases":
        write_bases(asked.root, asked.largest)
    elif asked.step == "plan":
        write_plan(asked.root, asked.structures[0], asked.copies)
    elif asked.step == "entries":
        write_entries(asked.root, asked.shard)
    elif asked.step == "identity":
        return find(asked.root, asked.shard)
    elif asked.step == "judge":
        return judge(asked.root)
    return {}


if __name__ == "__main__":
    main()
