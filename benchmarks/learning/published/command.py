"""Command: the options that studies of published sets share, and what they refuse."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from models.ledger import FOLDER
from models.published import PUBLISHED

SEEDS = 3


def parser(study: str, stages: Sequence[str], splits: int) -> argparse.ArgumentParser:
    """Of `python -m benchmarks.learning.<study>`; the study may add options of its own."""
    told = argparse.ArgumentParser(prog=f"python -m benchmarks.learning.{study}", description="See the docstring.")
    told.add_argument("folder", type=Path, metavar="DIR", help="of the checkpoints")
    told.add_argument("--data", type=Path, default=Path(os.environ.get("CRYSTAL_LAKE_REAL_DATA") or "../shared/data"))
    told.add_argument("--results", type=Path, default=FOLDER, help="of the ledgers")
    told.add_argument("--stage", choices=("all", *stages), default="all")
    told.add_argument("--sets", nargs="*", default=[], help="as in models/published, all that have a published error")
    told.add_argument("--processes", type=int, help="one per core without it")
    told.add_argument("--dry-run", action="store_true", help="say what is left and how long it takes")
    told.add_argument("--epochs", type=int, help="of a trial")
    told.add_argument("--recipes", type=int, help="of a trial: only the first candidates")
    told.add_argument("--splits", type=int, default=splits, help="of a trial: only the first splits")
    told.add_argument("--seeds", type=int, default=SEEDS, help="of a trial")
    return told


def sets_of(asked: argparse.Namespace, splits: int, every: Sequence[str]) -> tuple[str, ...]:
    """The sets that are asked for, `every` where none is named; ends the command where what is asked must not be."""
    trial = (asked.epochs, asked.recipes, asked.splits, asked.seeds) != (None, None, splits, SEEDS)
    if trial and asked.results.resolve() == FOLDER.resolve():
        raise SystemExit(f"a trial (--epochs, --recipes, --splits, --seeds) needs --results of its own, found {FOLDER}")
    names = tuple(f"chang2022.{name.removeprefix('chang2022.')}" for name in asked.sets) or tuple(every)
    if unknown := [name for name in names if name not in PUBLISHED]:
        raise SystemExit(f"no published set is named {', '.join(unknown)}; there are: {', '.join(PUBLISHED)}")
    return names


def page_of(results: Path, page: Path, empty: str) -> Path:
    """The page that the report writes into; a trial, whose results stand elsewhere, has one of its own."""
    if results.resolve() == FOLDER.resolve():
        return page
    own = results / page.name
    own.write_text(empty)
    return own
