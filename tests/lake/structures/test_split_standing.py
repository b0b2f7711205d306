"""What was drawn once stands, whatever joins, merges, is renamed, falls apart, goes or comes back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.structures.splits import SCHEMES
from lake.structures.splits.crossing import crossing
from lake.structures.splits.scheme import PARTS
from lake.structures.splits.write import splits
from lake.tables import MATERIAL_CHANGES, MATERIAL_IDS, MATERIALS, SPLITS

REMEMBERS = [scheme for scheme in SCHEMES.values() if scheme.remembers]
EVENTS = ("add", "join", "merge", "rename", "fall apart", "go", "come back")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROW = {"reduced_formula": "C", "shard": "00"}


class Lakeside:
    """Materials of one formula as identity would keep them: entries with years, ids old and new, and what changed.

    An id stands for the entry that represented its material when it was given, as in MATERIAL_IDS.
    """

    def __init__(self) -> None:
        self.clusters: dict[str, list[str]] = {}  # id -> its entries
        self.asleep: dict[str, list[str]] = {}  # those of them that no crawl tells now
        self.given: dict[str, str] = {}  # every id ever given -> its entry
        self.years: dict[str, int | None] = {}
        self.changes: list[tuple[list[str], list[str]]] = []
        self.splits = SPLITS.empty()
        self._numbers = count()

    def happen(self, event: str, a: int, b: int, year: int | None) -> None:
        """One event; `a` and `b` choose what it happens to."""
        ids = sorted(self.clusters)
        one, other = (ids[a % len(ids)], ids[b % len(ids)]) if ids else ("", "")
        match event:
            case "add":
                self._name([self._entry(year)])
            case "join" if ids:
                self.clusters[one].append(self._entry(year))
            case "merge" if one != other:
                self.clusters[one] += self.clusters.pop(other)
                self.changes.append(([one, other], [one]))
            case "rename" if ids:
                entries = [self._entry(year), *self.clusters.pop(one)]
                self.changes.append(([one], [self._name(entries)]))
            case "fall apart" if ids and len(self.clusters[one]) > 1:
                home = self.clusters[one].index(self.given[one])
                stays, leaves = self.clusters[one][home:], self.clusters[one][:home]
                if not leaves:
                    stays, leaves = stays[:1], stays[1:]
                self.clusters[one] = stays
                self.changes.append(([one], [one, self._name(leaves)]))
            case "go" if ids:
                self.asleep[one] = self.clusters.pop(one)
            case "come back" if self.asleep:
                one = sorted(self.asleep)[a % len(self.asleep)]
                self.clusters[one] = self.asleep.pop(one)

    def write(self) -> None:
        """Draw, as the lake would after this."""
        self.splits = splits(self.materials(), self.splits, self.ids(), self.material_changes())

    def parts(self, scheme: str) -> dict[str, str]:
        """Entry told today -> the part of its material, where it has one."""
        rows = self.splits.filter(pl.col("scheme") == scheme)
        stands = dict(rows.select("material_id", "split").iter_rows())
        return {e: stands[name] for name, entries in self.clusters.items() if name in stands for e in entries}

    def materials(self) -> pl.DataFrame:
        """Rows of MATERIALS with `year`."""
        row = ROW | {"sources": [], "n_sources": 1, "n_atoms": 1, "bucket": "b", "kind": "bulk"}
        rows = [
            row | {"material_id": name, "representative": self.given[name], "members": entries}
            for name, entries in sorted(self.clusters.items())
        ]
        years = [min(self._known(row["members"]), default=None) for row in rows]
        return MATERIALS.frame(rows).with_columns(year=pl.Series(years, dtype=pl.Int64))

    def ids(self) -> pl.DataFrame:
        """Rows of MATERIAL_IDS."""
        home = {entry: name for name, entries in self.clusters.items() for entry in entries}
        return MATERIAL_IDS.frame([
            {"material_id": name, "entry_id": entry, "shard": "00", "current": home.get(entry), "first_given": NOW}
            for name, entry in self.given.items()
        ])  # fmt: skip

    def material_changes(self) -> pl.DataFrame:
        """Rows of MATERIAL_CHANGES."""
        row = ROW | {"change": "regrouped"}
        told = enumerate(self.changes)
        rows = [row | {"at": NOW + timedelta(n), "old_ids": old, "new_ids": new} for n, (old, new) in told]
        return pl.DataFrame(rows, schema=MATERIAL_CHANGES.schema) if rows else MATERIAL_CHANGES.empty()

    def _entry(self, year: int | None) -> str:
        entry = f"e:{next(self._numbers)}"
        self.years[entry] = year
        return entry

    def _name(self, entries: list[str]) -> str:
        """Give a cluster the id of its first entry, which it may have had before."""
        name = f"m-{entries[0]}"
        self.given[name] = entries[0]
        self.clusters[name] = entries
        return name

    def _known(self, entries: Iterable[str]) -> list[int]:
        return [year for year in map(self.years.get, entries) if year is not None]


YEARS = st.none() | st.sampled_from([1930, 2012, 2020])
HISTORIES = st.lists(
    st.tuples(st.sampled_from(EVENTS), st.integers(0, 3), st.integers(0, 3), YEARS), min_size=8, max_size=16
)


@settings(max_examples=25)
@given(history=HISTORIES)
def test_what_was_learnt_on_is_never_tested_and_nothing_but_a_merge_moves_a_material(history):
    """Over a whole history each entry's part moves towards train alone."""
    world = Lakeside()
    last: dict[str, dict[str, str]] = {scheme.name: {} for scheme in REMEMBERS}
    for event, a, b, year in history:
        world.happen(event, a, b, year)
        world.write()
        for name, before in last.items():
            now = world.parts(name)
            for entry, part in now.items():
                was = before.get(entry, part)
                assert PARTS.index(part) <= PARTS.index(was)
                assert part == was or event == "merge"
            before |= now
        assert not any(crossing(world.splits).values())
        assert set(world.parts("material")) == {e for entries in world.clusters.values() for e in entries}


@settings(max_examples=10)
@given(history=HISTORIES)
def test_drawing_again_changes_nothing_and_rows_are_of_materials_that_are_or_may_come_back(history):
    world = Lakeside()
    for event in history:
        world.happen(*event)
        if event[0] in ("merge", "fall apart", "rename"):
            world.write()
    world.write()
    drawn = world.splits
    world.write()
    assert world.splits.equals(drawn)
    by_material = set(drawn.filter(pl.col("scheme") == "material")["material_id"])
    assert set(world.clusters) <= by_material <= set(world.clusters) | set(world.asleep)


def merged(one: str, other: str) -> str:
    """The part of a material of two that were drawn so, by time."""
    years = {"train": 1990, "validation": 2012, "test": 2020}
    world = Lakeside()
    for part in (one, other):
        world.happen("add", 0, 0, years[part])
    world.write()
    world.happen("merge", 0, 1, None)
    world.years.clear()  # so that only what was drawn decides
    world.write()
    (part,) = set(world.parts("time").values())
    return part


def test_of_two_that_merge_train_wins_over_validation_and_validation_over_test():
    for place, better in enumerate(PARTS):
        for worse in PARTS[place:]:
            assert merged(better, worse) == merged(worse, better) == better


def told_later(*events: tuple[str, int | None]) -> list[set[str]]:
    """The parts by time of a material that was told in 2020, and after each event that follows."""
    world = Lakeside()
    found = []
    for event, year in (("add", 2020), *events):
        world.happen(event, 0, 0, year)
        world.write()
        found.append(set(world.parts("time").values()))
    return found


def test_an_older_record_that_joins_later_moves_nothing():
    assert told_later(("join", 1930)) == [{"test"}, {"test"}]


def test_a_material_that_an_older_record_renames_stands_where_it_stood():
    assert told_later(("rename", 1930), ("rename", 1990)) == [{"test"}, {"test"}, {"test"}]


def test_a_piece_that_falls_off_stands_where_the_whole_stood():
    assert told_later(("join", 1930), ("fall apart", None)) == [{"test"}, {"test"}, {"test"}]


def test_a_material_that_is_gone_comes_back_where_it_stood():
    assert told_later(("join", 1930), ("go", None), ("come back", None)) == [{"test"}, {"test"}, set(), {"test"}]


def test_a_material_whose_year_becomes_known_joins_by_time():
    world = Lakeside()
    world.happen("add", 0, 0, None)
    world.write()
    assert not world.parts("time")
    world.happen("join", 0, 0, 2012)
    world.write()
    assert set(world.parts("time").values()) == {"validation"}


def test_a_piece_without_a_year_stands_where_the_whole_stands_once_the_whole_has_one_and_stays_there():
    world = Lakeside()
    for event in (("add", None), ("join", None), ("fall apart", None)):
        world.happen(event[0], 0, 0, event[1])
    world.write()
    assert not world.parts("time")
    world.happen("join", 0, 0, 1930)
    world.write()
    found = world.parts("time")
    assert len(found) == 3 and set(found.values()) == {"train"}
    world.write()
    assert world.parts("time") == found


def test_another_version_of_the_rule_draws_anew():
    world = Lakeside()
    world.happen("add", 0, 0, 2020)
    world.write()
    world.splits = world.splits.with_columns(split=pl.lit("train"), rule=pl.col("rule") + " and before")
    world.write()
    assert set(world.parts("time").values()) == {"test"}


def test_without_a_table_of_ids_an_id_finds_itself():
    world = Lakeside()
    for year in (1930, 2020):
        world.happen("add", 0, 0, year)
    world.write()
    again = splits(world.materials(), world.splits, MATERIAL_IDS.empty(), MATERIAL_CHANGES.empty())
    assert again.equals(world.splits)


def test_an_old_id_leads_to_its_draw_where_no_change_was_written_down():
    world = Lakeside()
    world.happen("add", 0, 0, 2020)
    world.write()
    world.happen("rename", 0, 0, 1930)
    again = splits(world.materials(), world.splits, world.ids(), MATERIAL_CHANGES.empty())
    assert again.filter(scheme="time")["split"].to_list() == ["test"]
