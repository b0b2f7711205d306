"""The command: `python -m benchmarks.learning.chang2022 DIR`, as this package's docstring says."""

from __future__ import annotations

from benchmarks.learning.chang2022.anchors import ANCHORS
from benchmarks.learning.chang2022.grouped import SPLITS
from benchmarks.learning.chang2022.report import BEGIN, END, report
from benchmarks.learning.chang2022.stages import choose, left, look_at
from benchmarks.learning.chang2022.study import Study, pace
from benchmarks.learning.published.command import page_of, parser, sets_of
from lake.spoken import duration
from models.ledger import FOLDER
from models.pool import cores

STAGES = ("choose", "look", "grouped", "report")
PAGE = FOLDER.parent / "published.md"


def main() -> None:
    """Take the stages that are asked for, or say what they would take."""
    asked = parser("chang2022", STAGES, SPLITS).parse_args()
    names = sets_of(asked, SPLITS, tuple(ANCHORS))
    study = Study(
        asked.data, asked.folder, asked.results, names, f"python -m benchmarks.learning.chang2022 {asked.folder.name}",
        asked.epochs, asked.recipes, asked.splits, asked.seeds,
    )  # fmt: skip
    processes = asked.processes or cores()
    if asked.dry_run:
        _tell(study, processes)
        return
    for stage in STAGES if asked.stage == "all" else (asked.stage,):
        _take(study, stage, processes)


def _take(study: Study, stage: str, processes: int) -> None:
    if stage == "choose":
        choose(study, processes)
    elif stage == "look":
        look_at(study, "published", study.seeds, processes)
    elif stage == "grouped":
        look_at(study, "grouped", 1, processes)
    else:
        print(report(study, page_of(study.results, PAGE, f"{BEGIN}\n{END}\n")))


def _tell(study: Study, processes: int) -> None:
    stages, share = left(study), pace(study) / processes
    for stage in stages:
        print(f"{stage.stage:8} {stage.runs:4} runs, about {duration(stage.seconds * share)} on {processes} cores")
    print(f"together about {duration(sum(stage.seconds for stage in stages) * share)}")


if __name__ == "__main__":
    main()
