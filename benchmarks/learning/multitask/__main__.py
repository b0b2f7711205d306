"""The command: `python -m benchmarks.learning.multitask DIR --lake LAKE`, as this package's docstring says."""

from __future__ import annotations

from pathlib import Path

from benchmarks.learning.chang2022.anchors import ANCHORS
from benchmarks.learning.multitask.report import BEGIN, END, report
from benchmarks.learning.multitask.stages import choose, compare, left, look_at, pretrain
from benchmarks.learning.multitask.study import SPLITS, Study
from benchmarks.learning.published.command import page_of, parser, sets_of
from lake.spoken import duration
from models.ledger import FOLDER
from models.pool import cores

STAGES = ("pretrain", "choose", "look", "report")
PAGE = FOLDER.parent / "multitask.md"


def main() -> None:
    """Take the stages that are asked for, or say what they would take."""
    options = parser("multitask", STAGES, SPLITS)
    options.add_argument("--lake", type=Path, required=True, help="that the encoders learn from; it is only read")
    asked = options.parse_args()
    names = sets_of(asked, SPLITS, tuple(ANCHORS))
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
        print(report(study, page_of(study.results, PAGE, f"{BEGIN}\n{END}\n")))


def _tell(study: Study, processes: int) -> None:
    compare(study, processes)  # a few minutes: what is left to train depends on it
    stages = left(study)
    for stage in stages:
        told = duration(stage.seconds / processes)
        print(f"{stage.stage:8} {stage.runs:4} runs, about {told} on {processes} cores")
    print(f"together about {duration(sum(stage.seconds for stage in stages) / processes)}")


if __name__ == "__main__":
    main()
