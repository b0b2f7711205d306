"""The step that writes what identity finds: `materials`, `matches`, `material_ids` and `material_changes`, by shard.

What belongs here: which buckets changed since they were clustered, and the order of the commits. How a bucket is
clustered: `formulas.py`. MATERIALS is written last and is what the others are measured by: a run that is killed leaves
another table's mark ahead of it, and then the next run believes nothing of that shard but the single decisions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import polars as pl

from lake.contract import Table
from lake.entries import DISORDERED
from lake.progress import track
from lake.shards import ALL
from lake.store import READ, Lake
from lake.structures.bucket import KINDS
from lake.structures.formulas import (
    ADDRESSED,
    COMPARED,
    GROUPS,
    STAGE,
    Found,
    Job,
    Run,
    addresses,
    cores,
    groups,
    joined,
    workers,
)
from lake.structures.material_id import changes, given_ids
from lake.tables import ENTRIES, MATCHES, MATERIAL_CHANGES, MATERIAL_IDS, MATERIALS, REJECTS

BEFORE_MATERIALS = (MATCHES, REJECTS, MATERIAL_IDS, MATERIAL_CHANGES)  # in the order in which they are written
ROWS_AT_ONCE = 500_000  # in one commit, or a shard where that has more; some hundred MB


def write_materials(lake: Lake, shards: Collection[str] = ALL, processes: int | None = None) -> dict[str, int]:
    """Bring the materials of these shards up to date with the entries; a bucket that did not change is not touched.

    processes: how many share the comparisons; by default one per core where there is enough to do.
    What cannot be compared goes to REJECTS, stage `identity.<shard>`: each shard has its own, so that shards can run
    apart and none erases what another said.
    Counts, over these shards: entries (but slabs), materials, disordered (of these), shared (told by two databases or
    more), comparisons (rows of MATCHES), matcher_calls (pairs compared in this run), buckets, buckets_unchanged.
    """
    plans = list(_plans(lake, shards))
    todo = [plan for plan in plans if plan.todo]
    processes = processes or cores(sum(plan.changed["n"].sum() for plan in todo))
    calls, finished = 0, []
    with workers(processes) as run:
        for shard, found in _clustered(lake, todo, run, GROUPS * processes if processes > 1 else 1):
            calls += found.matcher_calls
            finished.append(_Shard.after(lake, shard, found))
            if sum(map(len, finished)) >= ROWS_AT_ONCE:
                _publish(lake, finished)
                finished = []
    if finished:
        _publish(lake, finished)
    elif plans and lake.exists(MATERIALS):
        _say_what_was_read(lake, plans[0].entries)
    buckets = sum(plan.buckets for plan in plans)
    return _counts(lake, shards) | {
        "matcher_calls": calls,
        "buckets": buckets,
        "buckets_unchanged": buckets - sum(len(plan.changed) for plan in plans),
    }


class _Plan(NamedTuple):
    """What there is to do in a shard.

    buckets: formulas that it has. changed: those to be clustered (reduced_formula, n entries). vanished: formulas that
    have materials and no entry any more. number: of this run. killed: an earlier run was killed between two tables.
    untrue: that run wrote changes already, which did not come about. entries: the version of ENTRIES that is read.
    """

    shard: str
    buckets: int
    changed: pl.DataFrame
    vanished: list[str]
    number: int
    killed: bool
    untrue: bool
    entries: int | None

    @property
    def todo(self) -> bool:
        return self.killed or bool(len(self.changed) or self.vanished)


class _Shard(NamedTuple):
    """A shard as it will be, all rows of it.

    before, changed: its materials as they are and as they will be, of the formulas that changed or vanished.
    """

    plan: _Plan
    before: pl.DataFrame
    materials: pl.DataFrame
    matches: pl.DataFrame
    rejects: pl.DataFrame
    changed: pl.DataFrame

    def __len__(self) -> int:
        return len(self.materials) + len(self.matches)

    @classmethod
    def after(cls, lake: Lake, plan: _Plan, found: Found) -> _Shard:
        here = pl.col("shard") == plan.shard
        touched = pl.col("reduced_formula").is_in([*plan.changed["reduced_formula"], *plan.vanished])
        before = _rows(lake, MATERIALS, here)
        unchanged = before.filter(~touched)
        matches = _rows(lake, MATCHES, here & ~touched)
        stage = f"{STAGE}.{plan.shard}"
        told = _rows(lake, REJECTS, pl.col("stage") == stage).join(
            unchanged.select(entry_id=pl.col("members").explode()), on="entry_id", how="semi"
        )
        whole = joined([
            Found(unchanged, matches, told, 0),
            found._replace(rejects=found.rejects.with_columns(stage=pl.lit(stage))),
        ])  # fmt: skip
        return cls(plan, before.filter(touched), whole.materials, whole.matches, whole.rejects, found.materials)


def _plans(lake: Lake, shards: Collection[str]) -> Iterator[_Plan]:
    done, *others = (lake.marks(table) for table in (MATERIALS, *BEFORE_MATERIALS))
    version = lake.version(ENTRIES)
    told, materials = lake.scan(ENTRIES, version).filter(pl.col("kind").is_in(KINDS)), lake.scan(MATERIALS)
    for shard in sorted(_there(lake).intersection(shards)):
        here = pl.col("shard") == shard
        entries = told.filter(here).select(ADDRESSED).collect()
        now = addresses(entries).join(entries.group_by("reduced_formula").agg(n=pl.len()), on="reduced_formula")
        before = materials.filter(here).select("reduced_formula", "bucket").unique().collect()
        begun = [mark(_mark(shard)) for mark in others]
        killed = max(begun) > done(_mark(shard))
        changed = now if killed else now.join(before, on=["reduced_formula", "bucket"], how="anti")
        vanished = before.join(now, on="reduced_formula", how="anti")["reduced_formula"].to_list()
        number = max(*begun, done(_mark(shard))) + 1
        untrue = begun[BEFORE_MATERIALS.index(MATERIAL_CHANGES)] > done(_mark(shard))
        yield _Plan(shard, len(now), changed.select("reduced_formula", "n"), vanished, number, killed, untrue, version)


def _there(lake: Lake) -> set[str]:
    """Shards that any table knows; a small lake has few."""
    tables = (ENTRIES, MATERIALS, *(table for table in BEFORE_MATERIALS if table is not REJECTS))
    found = pl.collect_all([lake.scan(table).select(pl.col("shard").unique()) for table in tables])
    return set(pl.concat(found)["shard"])


def _mark(shard: str) -> str:
    return f"{STAGE} {shard}"


def _clustered(lake: Lake, plans: Sequence[_Plan], run: Run, count: int) -> Iterator[tuple[_Plan, Found]]:
    """What each shard's changed buckets give; count: of groups in which a shard is worked on."""
    shared = {plan.shard: groups(plan.changed, count) for plan in plans}
    pieces = (
        (place, found) for place, plan in enumerate(plans) for found in run(_jobs(lake, plan, shared[plan.shard]))
    )
    worked = track(pieces, "comparing crystals", total=sum(map(len, shared.values())))
    for place, rows in groupby(worked, key=itemgetter(0)):
        yield plans[place], joined([found for _, found in rows])
    yield from ((plan, joined([])) for plan in plans if not shared[plan.shard])


def _jobs(lake: Lake, plan: _Plan, shared: Sequence[Sequence[str]]) -> Iterator[Job]:
    """The entries of each group of formulas, and the decisions known of them; only now are structures read."""
    ours = (pl.col("shard") == plan.shard) & pl.col("reduced_formula").is_in([one for some in shared for one in some])
    entries = lake.scan(ENTRIES, plan.entries).filter(ours & pl.col("kind").is_in(KINDS)).select(COMPARED).collect()
    matches = _rows(lake, MATCHES, ours)
    for some in shared:
        of_group = pl.col("reduced_formula").is_in(some)
        yield entries.filter(of_group), matches.filter(of_group)


def _publish(lake: Lake, shards: Sequence[_Shard]) -> None:
    """Write all tables of these shards, a commit each; MATERIALS last."""
    at = datetime.now(UTC)
    names = [one.plan.shard for one in shards]
    marks = {_mark(one.plan.shard): one.plan.number for one in shards}
    lake.replace(MATCHES, pl.concat([one.matches for one in shards]), names, marks)
    rejects, stages = pl.concat([one.rejects for one in shards]), [f"{STAGE}.{name}" for name in names]
    if len(rejects) or len(_rows(lake, REJECTS, pl.col("stage").is_in(stages))):
        lake.replace(REJECTS, rejects, stages, marks)
    _publish_ids(lake, shards, names, at, marks)
    _publish_changes(lake, shards, names, at, marks)
    marks |= _read(lake, shards[0].plan.entries)
    lake.replace(MATERIALS, pl.concat([one.materials for one in shards]), names, marks)


def _read(lake: Lake, entries: int | None) -> dict[str, int]:
    """The marks that say what MATERIALS stands on: see snapshots.py."""
    beside = lake.read_from(*(table for table in BEFORE_MATERIALS if table is not REJECTS))
    return beside | ({f"{READ}{ENTRIES.name}": entries} if entries is not None else {})


def _say_what_was_read(lake: Lake, entries: int | None) -> None:
    """Entries may be new without a crystal that is: slabs, or a level of theory; they are shown all the same."""
    if lake.stands_on(MATERIALS)(f"{READ}{ENTRIES.name}") != entries:
        lake.mark(MATERIALS, _read(lake, entries))


def _publish_ids(lake: Lake, shards: Sequence[_Shard], names: list[str], at: datetime, marks: dict[str, int]) -> None:
    """The ids of these shards, and of entries that came to them from another shard, as their formulas changed."""
    here = pl.col("shard").is_in(names)
    entries = pl.concat([one.changed for one in shards]).select(entry_id=pl.col("members").explode())
    held = pl.concat([one.before for one in shards]).select(entry_id=pl.col("members").explode())
    arrivals = entries.join(held, on="entry_id", how="anti")["entry_id"]
    came = _rows(lake, MATERIAL_IDS, ~here & pl.col("entry_id").is_in(arrivals.implode()))
    # where a killed run left an id both here and there, the older row is right
    before = pl.concat([_rows(lake, MATERIAL_IDS, here), came]).sort("first_given")
    before = before.unique("material_id", keep="first", maintain_order=True)
    materials = pl.concat([one.materials for one in shards])
    lake.replace(MATERIAL_IDS, given_ids(before, materials, at), names, marks)
    if len(came):
        lake.remove(
            MATERIAL_IDS, {"shard": came["shard"].unique().to_list(), "material_id": came["material_id"].to_list()}
        )


def _publish_changes(
    lake: Lake, shards: Sequence[_Shard], names: list[str], at: datetime, marks: dict[str, int]
) -> None:
    """What happened now, behind what happened before; what a killed run told and did not bring about is taken away."""
    told = _rows(lake, MATERIAL_CHANGES, pl.col("shard").is_in(names))
    killed = pl.col("shard").is_in([one.plan.shard for one in shards if one.plan.untrue])
    true = told.filter(~killed | (pl.col("at") < pl.col("at").max().over("shard")))
    now = changes(pl.concat([one.before for one in shards]), pl.concat([one.changed for one in shards]), at)
    if len(now) or len(true) < len(told):
        lake.replace(MATERIAL_CHANGES, pl.concat([true, now]).sort("at", "reduced_formula", "old_ids"), names, marks)


def _counts(lake: Lake, shards: Collection[str]) -> dict[str, int]:
    here = pl.col("shard").is_in(list(shards))
    materials = lake.scan(MATERIALS).filter(here).select(
        entries=pl.col("members").list.len().sum(), materials=pl.len(), shared=(pl.col("n_sources") > 1).sum(),
        disordered=(pl.col("kind") == DISORDERED).sum(),
    )  # fmt: skip
    matches = lake.scan(MATCHES).filter(here).select(comparisons=pl.len())
    return {name: int(n) for frame in (materials, matches) for name, n in frame.collect().row(0, named=True).items()}


def _rows(lake: Lake, table: Table, which: pl.Expr) -> pl.DataFrame:
    return lake.scan(table).filter(which).select(table.schema.names()).collect()
