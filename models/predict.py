"""What the trained models say: of every entry of the lake, or of crystals from anywhere. No torch at import.

The value is the mean over the seeds, the spread their standard deviation: how far training's chance moves the answer,
not how far the answer is from the truth. Of a crystal with an element that was not in training nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from lake.crystal import SYMBOLS, Crystal, CrystalError
from lake.policies import column_named, default, property_of
from lake.store import Lake
from lake.tables import ENTRIES, PREDICTIONS, RUNS
from models.checkpoint import Checkpoint, CheckpointError, read
from models.dataset import labels, places
from models.licences import of_predictions
from models.pool import spread

CRYSTAL_COLUMNS = {
    "name": pl.String,
    "property": pl.String,
    "value": pl.Float64,
    "spread": pl.Float64,
    "unit": pl.String,
    "note": pl.String,
}


class CannotPredict(ValueError):
    """A property that no model knows; the message names it."""


def predict(lake: Lake, runs: pl.DataFrame | None = None, processes: int | None = None) -> pl.DataFrame:
    """PREDICTIONS rows of all bulk entries that have a graph and only elements that training had.

    runs: RUNS rows whose checkpoints speak, grouped by study; by default all that the lake holds. Each row inherits the
    licences of all that its models learnt from, and of its own structure and label.
    """
    runs = lake.read(RUNS) if runs is None else runs
    paths = runs["checkpoint"].unique(maintain_order=True).to_list()
    said = spread(speak, [(lake.root, path) for path in paths], "predicting", processes)
    if not said:
        return PREDICTIONS.empty()
    keys = ["entry_id", "property", "study"]
    mean = pl.concat(said).group_by(keys).agg(pl.col("value").mean(), spread=_spread())
    names = mean["property"].unique().to_list()
    known = pl.concat([labels(lake, name) for name in names]).rename({"value": "label"})
    units = {name: property_of(name).unit for name in names}
    rows = (
        mean.join(places(lake).drop("structure_hash"), on="entry_id")
        .join(known, on=["entry_id", "property"], how="left")
        .with_columns(unit=pl.col("property").replace_strict(units, return_dtype=pl.String), origin=pl.lit("predicted"))
    )
    rows = of_predictions(lake, rows, runs)
    return PREDICTIONS.checked(rows.select(PREDICTIONS.schema.names()).sort(keys))


def speak(root: Path, checkpoint: str) -> pl.DataFrame:
    """entry_id, property, study, value of one checkpoint for the lake's bulk entries (a process's piece of work)."""
    from lake.graphs.shards import GraphStore
    from models.network import outputs

    lake = Lake(root)
    known = read(lake.root / "models" / checkpoint)
    store = GraphStore(lake, known.graphs)
    entries = (
        lake.scan(ENTRIES).filter(pl.col("kind") == "bulk").select("entry_id", "structure_hash", "numbers").collect()
    )
    foreign = pl.col("numbers").list.set_difference(list(known.elements)).list.len() > 0
    entries = entries.filter(~foreign, pl.col("structure_hash").is_in(store.hashes.implode()))
    said = outputs(known.network(), store, store.rows(entries["structure_hash"]))
    values = known.scaler.inverse(said[..., 0].reshape(len(entries), len(known.recipe.tasks)))
    columns = {task: values[:, at] for at, task in enumerate(known.recipe.tasks)}
    wide = entries.select("entry_id", study=pl.lit(known.recipe.study)).with_columns(**columns)
    return wide.unpivot(index=["entry_id", "study"], variable_name="property", value_name="value").select(
        "entry_id", "property", "study", "value"
    )


def predict_crystals(
    models: Lake | Path, crystals: Mapping[str, Crystal], properties: Sequence[str] | None = None
) -> pl.DataFrame:
    """name, property, value, spread, unit, note of these crystals by the single-task models of a lake or of a folder.

    A row for every crystal and property: where a model never saw one of the elements, value and spread are null and
    the note says so. properties: by default all that there is a model for. Raises CannotPredict for a property without
    a model, CrystalError (with the crystal's name) for what is no crystal.
    """
    by_property = _singles(models)
    for name in properties or ():
        if column_named(default(), name).name not in by_property:
            raise CannotPredict(f"no model of {name} is there; there are: {', '.join(by_property) or 'none'}")
    for name, crystal in crystals.items():
        _checked(name, crystal)
    told = [_told(task, by_property[task], crystals) for task in properties or by_property]
    return pl.concat([pl.DataFrame(schema=CRYSTAL_COLUMNS), *told])


def _told(task: str, checkpoints: list[Checkpoint], crystals: Mapping[str, Crystal]) -> pl.DataFrame:
    """One property's rows of CRYSTAL_COLUMNS, in the crystals' order."""
    from lake.graphs.build import build
    from models.network import outputs

    foreign = {name: _foreign(crystal, checkpoints) for name, crystal in crystals.items()}
    spoken = [name for name in crystals if not foreign[name]]
    graphs = build([crystals[name] for name in spoken])
    seeds = [c.scaler.inverse(outputs(c.network(), graphs, np.arange(len(graphs)))[..., 0]) for c in checkpoints]
    said = pl.DataFrame({"name": spoken * len(seeds), "value": np.concatenate(seeds)[:, 0]})
    mean = said.group_by("name").agg(pl.col("value").mean(), spread=_spread())
    notes = [f"no answer: training had no {', '.join(foreign[name])}" if foreign[name] else "" for name in crystals]
    every = pl.DataFrame({"name": list(crystals), "note": notes}, schema={"name": pl.String, "note": pl.String})
    whole = every.join(mean, on="name", how="left", maintain_order="left")
    units = {"property": pl.lit(task), "unit": pl.lit(property_of(task).unit)}
    return whole.with_columns(**units).select(list(CRYSTAL_COLUMNS))


def _spread() -> pl.Expr:
    """Standard deviation over the seeds; zero where there is one."""
    return pl.col("value").std(ddof=1).fill_null(0.0)


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


def _checked(name: str, crystal: Crystal) -> None:
    try:
        crystal.checked()
    except CrystalError as error:
        raise CrystalError(f"{name}: {error}") from error


def _foreign(crystal: Crystal, checkpoints: list[Checkpoint]) -> list[str]:
    """Symbols of the crystal's elements that one of the models never saw."""
    known = set.intersection(*(set(c.elements) for c in checkpoints))
    return [SYMBOLS[z] for z in sorted(set(crystal.numbers.tolist()) - known)]
