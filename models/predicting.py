"""What the trained models say: of every entry of the lake, or of crystals from anywhere. No torch at import.

The value is the mean over the seeds, the spread their standard deviation: how far training's chance moves the answer.
How far the answer is from the truth, the interval says (models/conformal.py). Of a crystal with an element that was not
in training nothing is said; of one that is far from everything trained on (models/far.py) the value, and no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lake.crystal import SYMBOLS, Crystal, CrystalError
from lake.policies import column_named, default
from lake.store import Lake
from lake.tables import CALIBRATION, ENTRIES, PREDICTIONS, RUNS
from models.checkpoint import Checkpoint, CheckpointError, read
from models.conformal import FILE, calibrate, with_intervals
from models.dataset import SPLIT_NAMES, labels, places
from models.licences import TOGETHER, of_predictions
from models.pool import cores, spread
from models.task import in_order, task_named

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from models.ensemble import Voices

SLICE = 256, 2048  # entries that a process speaks of before it takes the next: fewer are not worth a process
CRYSTAL_COLUMNS = {
    "name": pl.String,
    "property": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "unit": pl.String,
    "label": pl.String,
    "spread": pl.Float64,
    "far": pl.Boolean,
    "note": pl.String,
}


class CannotPredict(ValueError):
    """A property that no model knows; the message names it."""


def predict_entries(
    lake: Lake, runs: pl.DataFrame | None = None, processes: int | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """PREDICTIONS rows of all bulk entries that have a graph and only elements that training had; and CALIBRATION rows.

    runs: RUNS rows whose checkpoints speak, grouped by study; by default all that the lake holds. Each row inherits the
    licences of all that its models learnt from, and of its own structure and label.
    """
    runs = lake.read(RUNS) if runs is None else runs
    rows = spoken(lake, runs, processes)
    if rows.is_empty():
        return PREDICTIONS.empty(), CALIBRATION.empty()
    calibration = calibrate(rows)
    rows = of_predictions(lake, with_intervals(rows, calibration), runs)
    keys = ["entry_id", "property", "study"]
    predictions = PREDICTIONS.checked(rows.select(PREDICTIONS.schema.names()).sort(keys))
    return predictions, _licensed(calibration, rows)


def spoken(
    lake: Lake, runs: pl.DataFrame, processes: int | None = None, splits: Sequence[str] = SPLIT_NAMES
) -> pl.DataFrame:
    """What these runs' models say of the lake's entries of these splits, without intervals.

    Columns: `models.ensemble.SAID`, those of the entry and its place, label (null where there is none), unit, origin.
    """
    paths = tuple(str(lake.root / "models" / path) for path in runs["checkpoint"].unique(maintain_order=True))
    if not paths:
        return pl.DataFrame()
    standing = places(lake).filter(pl.col("split").is_in(splits)).drop("structure_hash")
    entries = _spoken_of(lake, read(Path(paths[0])).graphs).join(standing, on="entry_id", maintain_order="left")
    stamps = tuple(Path(path).stat().st_mtime_ns for path in paths)
    slices = list(entries.iter_slices(_slice(len(entries), processes)))
    pieces = [(lake.root, paths, stamps, part["structure_hash"]) for part in slices]
    told = spread(speak, pieces, "predicting", processes)
    if not told:
        return pl.DataFrame()
    said = pl.concat(
        answers.with_columns(part[answers["at"]].drop("structure_hash"))
        for part, answers in zip(slices, told, strict=True)
    )
    names = said["property"].unique().to_list()
    known = pl.concat([labels(lake, name) for name in names]).rename({"value": "label"})
    units = {name: task_named(name).unit for name in names}
    return (
        said.filter(pl.col("value").is_not_null())
        .join(known, on=["entry_id", "property"], how="left")
        .with_columns(unit=pl.col("property").replace_strict(units, return_dtype=pl.String), origin=pl.lit("predicted"))
    )


def _licensed(calibration: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """CALIBRATION rows with the licences of their models and of all crystals that they were counted on."""
    counted = rows.filter(pl.col("label").is_not_null(), pl.col("split") != "train")
    licences = counted.group_by("property", "study").agg(licences=TOGETHER)
    whole = calibration.join(licences, on=["property", "study"], how="left", maintain_order="left")
    none = pl.lit([], pl.List(pl.String))
    return CALIBRATION.checked(
        whole.with_columns(pl.col("licences").fill_null(none)).select(CALIBRATION.schema.names())
    )


def _spoken_of(lake: Lake, graphs: str) -> pl.DataFrame:
    """entry_id, structure_hash, reduced_formula of the bulk entries that have a graph."""
    from lake.graphs.shards import GraphStore

    bulk = lake.scan(ENTRIES).filter(pl.col("kind") == "bulk")
    entries = bulk.select("entry_id", "structure_hash", "reduced_formula").collect()
    return entries.filter(pl.col("structure_hash").is_in(GraphStore(lake, graphs).hashes.implode()))


def _slice(n: int, processes: int | None) -> int:
    """Entries per piece: some for each process, within SLICE."""
    return min(max(SLICE[0], -(-n // (processes or cores()))), SLICE[1])


def speak(root: Path, paths: tuple[str, ...], stamps: tuple[int, ...], hashes: pl.Series) -> pl.DataFrame:
    """What all these checkpoints say of the lake's structures (a process's piece of work): `models.ensemble.SAID`.

    stamps: when the checkpoints were written, so that a process that lives on takes no old ones for new.
    """
    from lake.graphs.shards import GraphStore

    voices = _voices(paths, stamps)
    store = GraphStore(Lake(root), voices.checkpoints[0].graphs)
    return voices.said(store, store.rows(hashes))


@lru_cache(maxsize=1)
def _voices(paths: tuple[str, ...], stamps: tuple[int, ...]) -> Voices:
    from models.ensemble import Voices

    return Voices([read(Path(path)) for path in paths])


class Predictor:
    """The single-task models of a lake or of a folder, loaded once, to be asked about crystals batch by batch.

    properties: by default all that there is a model for. Raises CannotPredict for a property without a model, and
    CheckpointError where there is none at all.
    """

    def __init__(self, models: Lake | Path, properties: Sequence[str] | None = None) -> None:
        from models.ensemble import Voices

        by_property = _singles(models)
        for name in properties or ():
            if column_named(default(), name).name not in by_property:
                raise CannotPredict(f"no model of {name} is there; there are: {', '.join(by_property) or 'none'}")
        self.properties = tuple(properties or in_order(by_property))
        self._voices = Voices([checkpoint for name in self.properties for checkpoint in by_property[name]])
        self._calibration = _calibration(models)

    def __call__(self, crystals: Mapping[str, Crystal]) -> pl.DataFrame:
        """CRYSTAL_COLUMNS of these crystals; CrystalError (with the crystal's name) for what is no crystal."""
        from lake.graphs.build import build
        from lake.graphs.folded import fold

        for name, crystal in crystals.items():
            _checked(name, crystal)
        names = pl.Series("name", list(crystals), dtype=pl.String)
        said = self._voices.said(fold(build(list(crystals.values()))), np.arange(len(crystals)))
        told = with_intervals(said, self._calibration)
        tasks = {name: task_named(name) for name in self.properties}
        foreign = pl.col("foreign").list.len() > 0
        symbols = pl.col("foreign").list.eval(
            pl.element().replace_strict(dict(enumerate(SYMBOLS)), return_dtype=pl.String)
        )
        absent = pl.format("no answer: training had no {}", symbols.list.join(", "))
        return told.with_columns(
            name=names[told["at"]],
            unit=pl.col("property").replace_strict({n: t.unit for n, t in tasks.items()}, return_dtype=pl.String),
            label=pl.col("property").replace_strict({n: _label(n) for n in tasks}, return_dtype=pl.String),
            note=pl.when(foreign).then(absent).otherwise("why"),
        ).select(list(CRYSTAL_COLUMNS))


def predict_crystals(
    models: Lake | Path,
    crystals: Mapping[str, Crystal | Structure] | Iterable[Crystal | Structure],
    properties: Sequence[str] | None = None,
) -> pl.DataFrame:
    """A row for every crystal and property by the single-task models of a lake or of a folder of checkpoints.

    Columns: name, property, value, low and high (of the interval that holds 90 of 100 labels), unit, label (with the
    level of theory that the value stands for), spread (over the seeds), far, note. Where a model never saw one of the
    elements, value and spread are null; where the crystal is far from everything trained on, low and high; the note
    says so. crystals: by name, or one after another, when they are named by their place.
    """
    named = crystals if isinstance(crystals, Mapping) else {str(at): crystal for at, crystal in enumerate(crystals)}
    ours = {name: one if isinstance(one, Crystal) else Crystal.from_pymatgen(one) for name, one in named.items()}
    return Predictor(models, properties)(ours)


def _singles(models: Lake | Path) -> dict[str, list[Checkpoint]]:
    """Property -> its single-task checkpoints, those of the RUNS table where a lake is given."""
    if isinstance(models, Lake):
        runs = models.read(RUNS).filter(pl.col("study") == "single")
        paths = [models.root / "models" / path for path in runs["checkpoint"].unique(maintain_order=True)]
    else:
        paths = sorted(Path(models).glob("*.safetensors"))
    found: dict[str, list[Checkpoint]] = {}
    for checkpoint in map(read, paths):
        if len(checkpoint.recipe.tasks) == 1:
            found.setdefault(checkpoint.recipe.tasks[0], []).append(checkpoint)
    if not found:
        raise CheckpointError("no trained single-task model is there: train first")
    return found


def _calibration(models: Lake | Path) -> pl.DataFrame:
    """CALIBRATION rows of a lake, or of the file beside a folder's checkpoints; none where there is none."""
    if isinstance(models, Lake):
        return models.read(CALIBRATION)
    file = Path(models) / FILE
    return pl.read_json(file, schema=CALIBRATION.schema) if file.exists() else CALIBRATION.empty()


def _label(name: str) -> str:
    """What the value stands for, with the level of theory of the labels that were learnt."""
    if name not in default().by_name:
        return task_named(name).label
    column = default().by_name[name]
    levels = dict.fromkeys(a.level_of_theory for a in column.taught().admits if a.level_of_theory != "*")
    return f"{column.label}; {' or '.join(levels)}" if levels else column.label


def _checked(name: str, crystal: Crystal) -> None:
    try:
        crystal.checked()
    except CrystalError as error:
        raise CrystalError(f"{name}: {error}") from error
