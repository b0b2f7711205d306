"""What single-task CGCNN and the baselines reach on the Materials Project's crystals of 2018, by our own split.

    OMP_NUM_THREADS=1 python -m benchmarks.real_lake /tmp/real_lake --data ../shared/data
    OMP_NUM_THREADS=1 python -m benchmarks.learning.mp2018 /tmp/real_lake --processes 4

Six properties; 10, 30 and 100 % of the training labels, the smaller part of the larger; three seeds; one test set. The
split is by reduced formula (`lake/structures/splits/reduced_formula.py`), written down by its counts and by a digest of
every material and its part. Rows are entries of the Materials Project alone, each its own structure and label. Nothing
here is chosen: one recipe for all sets, whose epochs follow from the number of rows.

Moduli are learnt as logarithms; beside GPa, their error is told in log10(GPa), of labels above zero, as others tell it.
What is finished stands in `docs/results/mp2018.csv` (and `mp2018_log10.csv`) and is not run again. `--dry-run` says
what is left and about how long it takes; `--summary` prints the tables for the docs.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from lake.graphs.build import VERSION
from lake.spoken import duration
from lake.store import Lake
from lake.tables import GRAPHS, SPLITS
from models.baselines import baseline_named
from models.baselines.trial import Trial, tried
from models.dataset import TrainingRows, training_rows
from models.ledger import FOLDER, Ledger
from models.licences import learnt_from
from models.pool import cores, spread
from models.recipe import Recipe

STUDY = "mp2018"
COMMAND = "python -m benchmarks.learning.mp2018"
PROPERTIES = {
    "band_gap": "band gap",
    "formation_energy_per_atom_mp2018": "formation energy",
    "bulk_modulus": "bulk modulus",
    "shear_modulus": "shear modulus",
    "magnetization_per_atom": "magnetization",
    "static_dielectric_constant": "dielectric constant",
}
IN_LOG10 = ("bulk_modulus", "shear_modulus")
SHARES = (0.1, 0.3, 1.0)
SEEDS = (0, 1, 2)
METHODS = ("cgcnn", "mean", "median", "composition", "structure")
SIZE = {"width": 64, "gnn_layers": 3, "batch_size": 64, "learning_rate": 3e-3, "loss": "l1", "schedule": "onecycle"}
STEPS = 16_000  # about as many gradient steps for every set, within the epochs that follow
FEWEST_EPOCHS, MOST_EPOCHS = 40, 200
TREES = 100
A_ROW = {
    "cgcnn": 4e-4,
    "composition": 7e-3,
    "structure": 1.7e-2,
}  # seconds a row (and epoch), a guess for --dry-run
LOG10 = ("property", "recipe", "seed", "data", "graphs", "n_test", "mae_validation", "mae_test", "mae_mean_predictor")

Job = Recipe | Trial


def rows_of(lake: Lake, task: str, share: float = 1.0, limit: int | None = None) -> TrainingRows:
    """Rows of the Materials Project's own entries, with a share of the training labels and of the validation ones.

    limit: of training rows before the share, for a trial run. Which labels are kept, the entries' names decide.
    """
    rows = training_rows(lake, (task,))
    kept = np.flatnonzero(rows.frame["entry_id"].str.starts_with("mp:").to_numpy())
    rows = replace(rows, frame=rows.frame[kept], targets=rows.targets[kept])
    full = int(rows.labels("train")[0])
    size = round(share * min(full, limit or full))
    return rows if size == full else nested(rows, {"train": size, "validation": max(size // 4, 1)})


def nested(rows: TrainingRows, sizes: dict[str, int]) -> TrainingRows:
    """So many rows of these splits in an order that only the entries' names decide; all rows of the others."""
    lots = np.array([hashlib.blake2b(e.encode(), digest_size=8).hexdigest() for e in rows.frame["entry_id"]])
    order, split = np.argsort(lots), rows.frame["split"].to_numpy()
    kept = np.ones(len(rows), dtype=bool)
    for name, size in sizes.items():
        kept[order[split[order] == name][size:]] = False
    at = np.flatnonzero(kept)
    return replace(rows, frame=rows.frame[at], targets=rows.targets[at])


def job_of(method: str, task: str, seed: int, rows: TrainingRows, epochs: int | None = None) -> Job:
    """What is run: a recipe for CGCNN, a trial for a baseline. Its limit says how many training rows it has."""
    size = int(rows.labels("train")[0])
    if method != "cgcnn":
        return Trial(method, task, seed, TREES, size)
    per_epoch = -(-size // SIZE["batch_size"])
    walked = epochs or int(np.clip(STEPS // per_epoch, FEWEST_EPOCHS, MOST_EPOCHS))
    return Recipe((task,), seed=seed, epochs=walked, limit=size, **SIZE)


def run_one(root: Path, method: str, task: str, share: float, seed: int, limit: int | None, epochs: int | None,
            results: Path) -> str:  # fmt: skip
    """Run one job and write it down (a process's piece of work); returns its line for the screen."""
    from lake.graphs.shards import GraphStore

    lake = Lake(root)
    rows = rows_of(lake, task, share, limit)
    job = job_of(method, task, seed, rows, epochs)
    licences = learnt_from(lake, rows)
    if isinstance(job, Trial):
        run, said = tried(job, rows, baseline_named(method).features(lake, rows.frame["structure_hash"]))
        run = replace(run, licences=licences)
    else:
        from models.fit import fit

        store = GraphStore(lake)
        with tempfile.TemporaryDirectory() as folder:
            run = fit(job, rows, store, Path(folder), licences)
            said = _said(run.checkpoint, rows, store) if task in IN_LOG10 else None
    if task in IN_LOG10:  # first, so that a run in the ledger has it
        _write_log10(results, job, rows, said)
    ledger = Ledger.of(STUDY, results)
    if ledger.found(job, rows.digest, VERSION).is_empty():
        ledger.add(run, VERSION, COMMAND)
    figures = run.scores[task]
    return f"{task} {method} {share:.0%} seed {seed}: test {figures['mae_test']:.4g}, {duration(run.seconds)}"


def _said(checkpoint: Path, rows: TrainingRows, store: object) -> np.ndarray:
    """What a network says of all rows, (n,), in the property's unit."""
    from models.checkpoint import read
    from models.network import outputs

    known = read(checkpoint)
    told = outputs(known.network(), store, store.rows(rows.frame["structure_hash"]))
    return known.scaler.inverse(told[..., 0].reshape(len(rows), 1))[:, 0]


def log10_errors(rows: TrainingRows, said: np.ndarray) -> dict[str, float | int]:
    """Mean absolute errors of log10, of labels above zero; the mean predictor says the mean of the logarithms."""
    labels = rows.targets[:, 0].astype(np.float64)
    known = np.isfinite(labels) & (labels > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        told, truth = np.log10(np.maximum(said, 1e-3)), np.log10(labels)
    parts = {name: rows.of(name)[known[rows.of(name)]] for name in ("train", "validation", "test")}
    floor = truth[parts["train"]].mean()
    return {
        "n_test": len(parts["test"]),
        "mae_validation": float(np.abs(told - truth)[parts["validation"]].mean()),
        "mae_test": float(np.abs(told - truth)[parts["test"]].mean()),
        "mae_mean_predictor": float(np.abs(floor - truth[parts["test"]]).mean()),
    }


def _write_log10(results: Path, job: Job, rows: TrainingRows, said: np.ndarray) -> None:
    from filelock import FileLock

    path = results / f"{STUDY}_log10.csv"
    if _has_log10(results, job, rows):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    line = {"property": job.tasks[0], "recipe": job.digest, "seed": job.seed, "data": rows.digest, "graphs": VERSION}
    told = {name: float(f"{v:.6g}") if isinstance(v, float) else v for name, v in log10_errors(rows, said).items()}
    with FileLock(path.with_suffix(".lock")):
        new = not path.exists()
        with path.open("a", newline="") as file:
            lines = csv.DictWriter(file, LOG10, lineterminator="\n")
            if new:
                lines.writeheader()
            lines.writerow(line | told)


def _has_log10(results: Path, job: Job, rows: TrainingRows) -> bool:
    path = results / f"{STUDY}_log10.csv"
    if not path.exists():
        return False
    known = pl.read_csv(path, schema_overrides={"recipe": pl.String, "data": pl.String})
    return not known.filter(recipe=job.digest, data=rows.digest, graphs=VERSION).is_empty()


def prepared(lake: Lake) -> None:
    """Splits and graphs, where they are missing."""
    from lake.graphs.shards import write_graphs
    from lake.structures.splits.write import write_splits

    if not lake.exists(SPLITS):
        write_splits(lake)
    if not lake.exists(GRAPHS):
        print(f"graphs: {write_graphs(lake)}", flush=True)


def split_of(rows: dict[str, TrainingRows]) -> pl.DataFrame:
    """The split, written down: rows and materials in each part by property, and a digest of every (material, part)."""
    told = []
    for task, known in rows.items():
        pairs = known.frame.select("material_id", "split").unique().sort("material_id")
        text = "\n".join(f"{material} {part}" for material, part in pairs.iter_rows())
        counts = {name: int(known.labels(name)[0]) for name in ("train", "validation", "test")}
        digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        told.append({"property": task, **counts, "materials": len(pairs), "digest": digest})
    return pl.DataFrame(told)


def summary(results: Path, jobs: pl.DataFrame) -> pl.DataFrame:
    """Per property, model and share: mean test error over seeds, half of its 95 % t interval, beside the mean's."""
    from scipy.stats import t

    found = Ledger.of(STUDY, results).rows().join(jobs, on=["property", "recipe", "data"])
    path = results / f"{STUDY}_log10.csv"
    found = found.with_columns(pl.col("unit").fill_null(""))
    columns = ["property", "model", "share", "n_train", "unit", "seed", "mae_test", "mae_mean_predictor"]
    parts = [found.select(columns)]
    if path.exists():
        logs = pl.read_csv(path).join(jobs, on=["property", "recipe", "data"])
        logs = logs.join(found.select("property", "recipe", "data", "n_train"), on=["property", "recipe", "data"])
        logs = logs.with_columns(unit=pl.lit("log10(GPa)"))
        parts.append(logs.select(columns))
    keys = ["property", "unit", "model", "share", "n_train"]
    told = pl.concat(parts).unique([*keys, "seed"], keep="first").group_by(keys).agg(
        seeds=pl.len(), mae_test=pl.col("mae_test").mean(), deviation=pl.col("mae_test").std(),
        mae_mean_predictor=pl.col("mae_mean_predictor").mean(),
    )  # fmt: skip
    quantile = [float(t.ppf(0.975, n - 1)) if n > 1 else None for n in told["seeds"]]
    half = pl.Series(quantile, dtype=pl.Float64) * told["deviation"] / told["seeds"].cast(pl.Float64).sqrt()
    return told.with_columns(half=half).drop("deviation").sort("property", "unit", "share", "mae_test")


def printed(rows: pl.DataFrame) -> str:
    """The summary as a table of Markdown."""
    lines = ["| property | unit | share | rows | model | test MAE | of the mean's |", "|-|-|-:|-:|-|-:|-:|"]
    for row in rows.iter_rows(named=True):
        interval = f" ± {row['half']:.2g}" if row["half"] else ""
        ratio = row["mae_test"] / row["mae_mean_predictor"]
        name = f"log {PROPERTIES[row['property']]}" if row["unit"].startswith("log10") else PROPERTIES[row["property"]]
        lines.append(
            f"| {name} | {row['unit']} | {row['share']:.0%} | {row['n_train']:,} | {row['model']} | "
            f"{row['mae_test']:.3g}{interval} ({row['seeds']}) | {ratio:.0%} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run what is left, and print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("root", type=Path)
    words.add_argument("--processes", type=int, default=cores())
    words.add_argument("--properties", nargs="+", choices=PROPERTIES, default=list(PROPERTIES))
    words.add_argument("--models", nargs="+", choices=METHODS, default=list(METHODS))
    words.add_argument("--limit", type=int, help="training rows at most, for a trial run")
    words.add_argument("--epochs", type=int, help="instead of those that follow from the rows, for a trial run")
    words.add_argument("--results", type=Path, default=FOLDER, help="folder of the ledger")
    words.add_argument("--dry-run", action="store_true", help="say what is left and about how long it takes")
    words.add_argument("--summary", action="store_true", help="print the tables alone")
    asked = words.parse_args()
    lake = Lake(asked.root)
    prepared(lake)
    print(split_of({task: rows_of(lake, task) for task in asked.properties}))
    rows = {(t, s): rows_of(lake, t, s, asked.limit) for t in asked.properties for s in SHARES}
    ledger, left, jobs, seconds = Ledger.of(STUDY, asked.results), [], [], 0.0
    for (task, share), known in rows.items():
        for method in asked.models:
            for seed in SEEDS if method == "cgcnn" or baseline_named(method).seeded else SEEDS[:1]:
                job = job_of(method, task, seed, known, asked.epochs)
                jobs.append(
                    {"property": task, "recipe": job.digest, "data": known.digest, "model": method, "share": share}
                )
                told = task not in IN_LOG10 or _has_log10(asked.results, job, known)
                if not told or ledger.found(job, known.digest, VERSION).is_empty():
                    left.append((lake.root, method, task, share, seed, asked.limit, asked.epochs, asked.results))
                    walked = job.epochs if isinstance(job, Recipe) else 1
                    seconds += A_ROW.get(method, 0.0) * known.labels("train")[0] * walked
    known_jobs = pl.DataFrame(jobs)
    print(f"{len(jobs) - len(left)} of {len(jobs)} runs are finished; the rest takes about "
          f"{duration(seconds / asked.processes)} on {asked.processes} processes")  # fmt: skip
    if not (asked.dry_run or asked.summary):
        left.sort(key=lambda it: -it[3])  # the longest first, so that no core is left alone with one at the end
        print("\n".join(spread(run_one, left, STUDY, asked.processes)))
    if not asked.dry_run:
        print(printed(summary(asked.results, known_jobs)))


if __name__ == "__main__":
    main()
