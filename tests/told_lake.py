"""A small lake that was crawled: a dozen crystals that four databases tell, served by the mirror, run by Dagster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np

from lake.crystal import NUMBER, Crystal
from lake.sample.mirror import serving
from lake.sample.telling import Telling
from lake.settings import Settings
from pipelines.definitions import build
from pipelines.running import MUTED

# rock salt, conventional lattice constant in A, and a gap in eV: enough to be told, not to be believed
SALTS = {
    "LiF": (4.03, 8.7), "LiCl": (5.14, 6.3), "NaF": (4.63, 6.1), "NaCl": (5.64, 5.0),
    "KF": (5.34, 6.0), "KCl": (6.29, 5.1), "MgO": (4.21, 4.5), "CaO": (4.81, 3.7),
    "SrO": (5.16, 3.3), "BaO": (5.54, 2.1), "MnO": (4.44, 0.9), "NiO": (4.18, 0.8),
}  # fmt: skip
IDENTITY = ["materials", "matches", "material_ids", "material_changes", "splits"]  # and what stands on it alone
IDS = {"mp": "mp-{}", "aflow": "aflow:{:016x}", "oqmd": "{}", "cod": "9{:06d}"}


def tellings(**gaps: float) -> list[Telling]:
    """The salts as four databases tell them; `gaps` change what Materials Project says of some (`NaCl=4.0`)."""
    return [
        _telling(source, number, formula, gaps.get(formula, gap) if source == "mp" else gap)
        for source in IDS
        for number, (formula, (_, gap)) in enumerate(SALTS.items(), start=100)
    ]


@contextmanager
def told(root: Path, told_by: list[Telling] | None = None, **faults: object) -> Iterator[Settings]:
    """Settings for a lake at `root`, while a mirror tells the salts."""
    with serving(told_by or tellings(), **faults) as url:
        yield Settings.for_mirror(url, root=root)


def run(root: Path, job: str, instance: dg.DagsterInstance, **how: Any) -> dg.ExecuteInProcessResult:
    """One run of a job. how: `settings` and `tracker` replace resources, everything else is for Dagster."""
    resources = {name: how.pop(name) for name in ("settings", "tracker") if name in how}
    keys = how.pop("only", None)
    selection = [dg.AssetKey.from_user_string(key) for key in keys] if keys else None
    whole = build(root, **resources).resolve_job_def(job)
    how = {"run_config": MUTED, "raise_on_error": False} | how
    return whole.execute_in_process(instance=instance, asset_selection=selection, **how)


def crawl(root: Path, instance: dg.DagsterInstance, *sources: str, **how: object) -> dict[str, bool]:
    """Crawl these sources, one run each; source -> whether its run succeeded."""
    with told(root, **how) as settings:
        return {s: run(root, "crawl", instance, partition_key=s, settings=settings).success for s in sources}


def metadata(instance: dg.DagsterInstance, key: str) -> Mapping[str, Any]:
    """What the latest materialisation of an asset reports."""
    event = instance.get_latest_materialization_event(dg.AssetKey.from_user_string(key))
    return {name: value.value for name, value in event.asset_materialization.metadata.items()}


def _telling(source: str, number: int, formula: str, gap: float) -> Telling:
    a = SALTS[formula][0]
    cation = formula.rstrip("FClO") or formula[:2]
    numbers = [NUMBER[cation], NUMBER[formula.removeprefix(cation)]]
    cell = Crystal(a / 2 * (1 - np.eye(3)), [[0, 0, 0], [0.5, 0.5, 0.5]], numbers)
    known = Telling(source, IDS[source].format(number), cell, {"band_gap": gap}, "PBE")
    return known if source != "cod" else replace(known, values={}, level_of_theory="experiment")
