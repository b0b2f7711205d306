"""The command: `python -m benchmarks.learning.multitask DIR --lake LAKE`, as this package's docstring says."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from benchmarks.learning.chang2022.anchors import ANCHORS
from benchmarks.learning.multitask.report import BEGIN, END, report
from benchmarks.learning.multitask.stages import choose, compare, left, look_at, pretrain
from benchmarks.learning.multitask.study import SPLITS, Study
from lake.spoken import duration
from models.ledger import FOLDER
from models.pool import cores
from models.published import PUBLISHED

STAGES = ("pretrain", "choose", "look", "report")
PAGE = FOLDER.parent / "multitask.md"


def main() -> None:
    """Take the stages that are asked for, or say what they would take."""
    asked = _arguments()
    trial = (asked.epochs, asked.recipes, asked.splits, asked.seeds) != (None, None, SPLITS, 3)
    if trial and asked.results.resolve() == FOLDER.resolve():
        raise SystemExit(f"a trial (--epochs, --recipes, --splits, --seeds) needs --results of its own, found {FOLDER}")
    names = tuple(f"chang2022.{name.removeprefix('chang2022.')}" for name in asked.sets) or tuple(ANCHORS)
    if unknown := [name for name in names if name not in PUBLISHED]:
        raise SystemExit(f"no published set is named {', '.join(unknown)}; there are: {', '.join(PUBLISHED)}")
    study = Study(
        asked.lake, asked.data, asked.folder, asked.results, names,
        f"python -m benchmarks.learning.multitask {asked.folder.name} --lake {asked.lake.name}",
        asked.epochs, asked.recipes, asked.splits, asked.seeds,
    )  # fmt: skip
    processes = asked.processes or cores()
    if asked.dry_run:
        _tell(study, processes)
        return
    for stage in STAGES if asked.stage == "all" else (asked.stage,):
        _take(study, stage, processes)


def _take(study: Study, stage: str, processes: int) -> None:
    if stage == "pretrain":
        pretrain(study, processes)
    elif stage == "choose":
        choose(study, processes)
    elif stage == "look":
        look_at(study, processes)
    else:
        page = PAGE
        if study.results.resolve() != FOLDER.resolve():  # a trial has a page of its own
            page = study.results / PAGE.name
            page.write_text(f"{BEGIN}\n{END}\n")
        print(report(study, page))


def _tell(study: Study, processes: int) -> None:
    compare(study, processes)  # a few minutes: what is left to train depends on it
    stages = left(study)
    for stage in stages:
        told = duration(stage.seconds / processes)
        print(f"{stage.stage:8} {stage.runs:4} runs, about {told} on {processes} cores")
    print(f"together about {duration(sum(stage.seconds for stage in stages) / processes)}")


def _arguments() -> argparse.Namespace:
    told = argparse.ArgumentParser(prog="python -m benchmarks.learning.multitask", description="See the docstring.")
    told.add_argument("folder", type=Path, metavar="DIR", help="of the checkpoints")
    told.add_argument("--lake", type=Path, required=True, help="that the encoders learn from; it is only read")
    told.add_argument("--data", type=Path, default=Path(os.environ.get("CRYSTAL_LAKE_REAL_DATA") or "../shared/data"))
    told.add_argument("--results", type=Path, default=FOLDER, help="of the ledgers")
    told.add_argument("--stage", choices=("all", *STAGES), default="all")
    told.add_argument("--sets", nargs="*", default=[], help="as in models/published, all that have a published error")
    told.add_argument("--processes", type=int, help="one per core without it")
    told.add_argument("--dry-run", action="store_true", help="say what is left and how long it takes")
    told.add_argument("--epochs", type=int, help="of a trial")
    told.add_argument("--recipes", type=int, help="of a trial: only the first candidates")
    told.add_argument("--splits", type=int, default=SPLITS, help="of a trial: only the first splits")
    told.add_argument("--seeds", type=int, default=3, help="of a trial")
    return told.parse_args()


if __name__ == "__main__":
    main()
