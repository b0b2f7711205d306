"""Maps outside the UI: which properties help which, of the lake's columns or of a table of one's own on files."""

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from lake.store import Lake
from models.transfer_map.plan import STUDIES
from pipelines.crystal_files import crystals_in
from pipelines.methods import say

if TYPE_CHECKING:
    from models.transfer_map.map import Study

OWN = STUDIES["lake"]  # what a table of one's own is allowed
TOLD = ("target", "source", "n", "gain_placebo", "low_placebo", "high_placebo", "q", "verdict", "confirmed", "kind")


def study_of_lake(root: Path, name: str, target: str, dry: bool) -> "Study":
    """The study of the lake's columns, of a snapshot that is taken now; of the lake as it is where nothing is run."""
    from lake.snapshots import take
    from models.transfer_map.table import lake_study

    lake = Lake(root)
    return lake_study(lake, name, target, "" if dry else take(lake))


def study_of_table(root: Path, labels: Path, structures: Path, target: str) -> tuple["Study", list[str]]:
    """The study of a table of one's own, under its name; and what could not be used of it, with reasons."""
    from models.transfer_map.table import csv_study
    from models.transfer_map.worlds.own_table import files_of, keep

    files = {str(structures / name): name for name in files_of(labels)}
    found, faults = crystals_in([Path(file) for file in files])
    crystals = {files[file]: crystal for file, crystal in found.items()}
    world, more = keep(labels, crystals, root / "models" / "tables")
    return csv_study(root, labels.stem, world, target, OWN), [*faults, *more]


def transfer(root: Path, study: "Study", hours: float, processes: int | None) -> tuple[pl.DataFrame, bool]:
    """Train what the study lacks and write its tables; the pairs, claims first, and whether all is trained."""
    from assets.transfer_map import LEARNERS
    from assets.versions import code_version
    from lake.sql import publish
    from lake.tables import TRANSFER_MAP
    from models.transfer_map.map import How
    from models.transfer_map.table import write_map

    lake = Lake(root)
    ended = write_map(lake, study, How(processes, hours, say), code_version(*LEARNERS))
    publish(lake)
    rows = lake.read(TRANSFER_MAP).filter(pl.col("study") == study.name, pl.col("target").is_in(study.targets))
    claimed = pl.col("verdict").is_in(["helps", "hurts"]) & (pl.col("kind") == "between families")
    return rows.sort(~claimed, -pl.col("gain_placebo").abs()).select(TOLD), ended
