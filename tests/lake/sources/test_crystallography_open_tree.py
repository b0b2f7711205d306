"""COD and PCOD from a local tree: the same records as over the network, and nothing that lies outside of it."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.crawl import crawl
from lake.crystal import CrystalError
from lake.entries import write_entries
from lake.sample.mirror.cod_tree import write_tree
from lake.sample.real import FILES, MissingData, cod, real_folder
from lake.settings import Settings
from lake.sources import source_named
from lake.sources.crystallography_open.rows import READ_OFF
from lake.sources.crystallography_open.tree import Tree, Unreadable
from lake.sources.page import Unusable
from lake.sources.scope import Scope
from lake.store import Lake
from lake.tables import RECORDS, REJECTS
from lake.wire.down import SourceDown
from tests.lake._internet import internet, telling, tellings
from tests.lake._owed import versions

both = pytest.mark.parametrize("name", ["cod", "pcod"])


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture(scope="module")
def served():
    with internet([]) as net:
        yield net


@pytest.fixture
def net(served):
    served.fault = lambda path: None
    served.tell(tellings("cod", "pcod"))
    served.asked.clear()
    return served


@pytest.fixture
def folder(tmp_path) -> Path:
    for name in ("cod", "pcod"):
        write_tree(tellings("cod", "pcod"), name, tmp_path / name)
    return tmp_path


def offline(name: str, folder: Path, **more: object) -> Settings:
    """Settings that name a tree, and a network where nobody answers."""
    more = {"attempts": 1, f"{name}_url": "http://127.0.0.1:9", f"{name}_lists": False} | more
    return Settings.for_mirror("http://127.0.0.1:9", **{f"{name}_tree": folder / name}, **more)


def stamps(lake: Lake) -> set[str]:
    return set(lake.scan(RECORDS).filter(~pl.col("gone")).collect()["stamp"])


def reasons(lake: Lake) -> dict[str, str]:
    return dict(lake.scan(REJECTS).select("entry_id", "reason").collect().iter_rows())


@both
def test_a_tree_gives_the_records_of_the_network_and_asks_for_rows_alone(name, lake, net, folder, tmp_path):
    over_network = Lake(tmp_path / "other")
    crawl(over_network, source_named(name, net.settings()))
    net.asked.clear()
    report = crawl(lake, source_named(name, net.settings(**{f"{name}_tree": folder / name})))
    assert (report.state, report.added, report.missing) == ("published", 9, 0)
    assert versions(lake, name) == versions(over_network, name) and stamps(lake) == stamps(over_network)
    assert net.count(".cif") == 0 and net.count("%") == 9  # the forecast's counts


@both
def test_a_tree_alone_is_crawled_offline_and_a_second_time_nothing_is_new(name, lake, folder):
    source = source_named(name, offline(name, folder))
    report = crawl(lake, source)
    assert (report.state, report.added, report.requests) == ("published", 9, 0)
    assert write_entries(lake, source) == {"entries": 9, "rejects": 0}
    again = crawl(lake, source)
    assert (again.state, again.records_seen, again.gone) == ("published", 0, 0)
    assert source.forecast(Scope()).records == 9


def test_rows_that_lists_tell_replace_those_read_off_files_and_not_the_other_way(lake, net, folder):
    alone, with_rows = offline("cod", folder), net.settings(cod_tree=folder / "cod")
    crawl(lake, source_named("cod", alone))
    assert all(stamp.endswith(READ_OFF) for stamp in stamps(lake))
    assert crawl(lake, source_named("cod", with_rows)).changed == 9
    assert crawl(lake, source_named("cod", alone)).records_seen == 0
    assert crawl(lake, source_named("cod", net.settings())).records_seen == 0


def test_an_entry_whose_row_is_not_listed_yet_is_kept_and_asked_for_again(lake, net, folder):
    write_tree([telling("cod", 10)], "cod", folder / "cod")
    source = source_named("cod", net.settings(cod_tree=folder / "cod"))
    assert crawl(lake, source).added == 10
    net.tell(tellings("cod", each=10))
    assert crawl(lake, source).changed == 1


def test_what_a_file_says_of_its_entry_is_heeded_without_a_list(lake, folder):
    shutil.rmtree(folder / "cod")
    facts = [{"status": "retracted"}, {"duplicateof": "1000009"}, {"method": "theoretical"}, {"status": "warnings"}]
    told = [replace(telling("cod", n), facts=fact) for n, fact in enumerate(facts, start=1)]
    write_tree(told, "cod", folder / "cod")
    source = source_named("cod", offline("cod", folder))
    crawl(lake, source)
    assert write_entries(lake, source) == {"entries": 1, "rejects": 3}
    assert "duplicate of 1000009" in reasons(lake)["cod:1000002"]


def test_only_a_new_revision_is_read_and_a_deleted_file_is_gone(lake, folder):
    write_tree(tellings("cod", each=40), "cod", folder / "cod")
    source = source_named("cod", offline("cod", folder))
    crawl(lake, source)
    changed = telling("cod", 3)
    changed = replace(changed, crystal=replace(changed.crystal, lattice=changed.crystal.lattice * 1.01))
    write_tree([changed], "cod", folder / "cod")
    (folder / "cod/1/00/00/1000004.cif").unlink()
    report = crawl(lake, source)
    assert (report.records_seen, report.changed, report.gone) == (1, 1, 1)


def test_a_file_without_a_revision_is_told_by_its_size_and_time(lake, folder):
    source, file = source_named("cod", offline("cod", folder)), folder / "cod/1/00/00/1000001.cif"
    file.write_text(file.read_text().replace("#$Revision:", "#"))
    crawl(lake, source)
    assert crawl(lake, source).records_seen == 0
    file.write_text(file.read_text().replace("Sample values", "Other values"))
    os.utime(file, (1, 1))
    assert crawl(lake, source).changed == 1


@pytest.mark.parametrize(
    "scope, entries", [(Scope(elements=("Mg",)), 9), (Scope(chemsys=("Na", "Cl")), 1), (Scope(elements=("Fe",)), 0)],
    ids=str,
)  # fmt: skip
def test_a_part_is_told_by_the_formulas_of_the_files(scope, entries, lake, folder):
    salt = telling("cod", 10)
    write_tree([replace(salt, crystal=replace(salt.crystal, numbers=[11, 17]))], "cod", folder / "cod")
    assert crawl(lake, source_named("cod", offline("cod", folder)), scope).added == entries


def test_a_folder_without_cifs_is_no_tree_and_nothing_is_gone_for_it(lake, folder):
    source = source_named("cod", offline("cod", folder))
    crawl(lake, source)
    (folder / "cod").rename(folder / "elsewhere")
    (folder / "cod").mkdir()
    report = crawl(lake, source)
    assert (report.state, report.gone) == ("open", 0) and "mount its disk" in report.error
    for question in (source.alive, lambda: source.forecast(Scope())):
        with pytest.raises(SourceDown, match=r"must hold CIFs at 1/23/45/1234567\.cif"):
            question()


def test_a_tree_that_goes_away_meanwhile_is_not_an_empty_one(folder):
    source = source_named("cod", offline("cod", folder))
    units = list(source.plan(Scope()))
    shutil.rmtree(folder / "cod")
    for unit in (*units, *source.halves(units[0])):
        with pytest.raises(SourceDown, match="mount its disk"):
            source.fetch(unit, {})


def test_without_lists_and_tree_there_is_no_way():
    with pytest.raises(ValueError, match="set CRYSTAL_LAKE_COD_TREE"):
        source_named("cod", Settings(cod_lists=False))


def test_what_is_no_entry_is_counted_and_left_alone(folder, caplog):
    tree = source_named("cod", offline("cod", folder)).tree
    root = folder / "cod"
    for stranger in ("README", "1/note.txt", "1/00/00/1000001.hkl", "1/00/00/2000001.cif", "1/00/00/100001.cif"):
        (root / stranger).write_text("data_x")
    (root / "9/999/99").mkdir(parents=True)
    (root / "1/00/00/.1000001.cif.Xy").write_text("half")
    assert list(tree.prefixes()) == ["10000"]
    assert tree.count() == (9, 6) and "6 files or folders" in caplog.text


def test_links_are_followed_inside_the_tree_and_never_out_of_it(lake, folder):
    root, secret = folder / "cod", folder / "secret"
    write_tree([replace(telling("cod", 1), source_id="2000001")], "cod", secret)
    secret_file = secret / "2/00/00/2000001.cif"
    (root / "1/00/00/1000020.cif").symlink_to(secret_file)
    (root / "1/00/00/1000021.cif").symlink_to(root / "1/00/00/1000001.cif")
    (root / "1/00/00/1000022.cif").symlink_to("1000022.cif")
    (root / "2").symlink_to(secret / "2")
    (root / "1/01").symlink_to(root)
    report = crawl(lake, source_named("cod", offline("cod", folder)))
    assert (report.state, report.added, report.missing) == ("published", 10, 2)
    assert "leads elsewhere" in reasons(lake)["cod:1000020"] and "not" in reasons(lake)["cod:1000022"]
    assert not any(source_id == "2000001" for source_id, _ in versions(lake, "cod"))


def test_a_file_that_cannot_be_read_is_missing_with_its_reason(lake, folder):
    root = folder / "cod/1/00/00"
    os.mkfifo(root / "1000030.cif")
    (root / "1000031.cif").mkdir()
    (root / "1000032.cif").write_text("<html>")
    (root / "1000033.cif").write_text("")
    (root / "1000034.cif").write_text("data_x\n" + "#" * 30_000)
    report = crawl(lake, source_named("cod", offline("cod", folder, largest_cif=20_000)))
    assert (report.state, report.added, report.missing) == ("published", 9, 5)
    words = {"1000030": "must be a file", "1000031": "must be a file", "1000032": "where a CIF belongs",
             "1000033": "where a CIF belongs", "1000034": "below 20,000 bytes"}  # fmt: skip
    assert all(word in reasons(lake)[f"cod:{entry}"] for entry, word in words.items())


def test_a_folder_that_cannot_be_read_loses_nothing(folder, monkeypatch):
    def locked(path: Path):
        raise PermissionError(13, "Permission denied")

    tree = source_named("cod", offline("cod", folder)).tree
    assert tree.there
    monkeypatch.setattr(Path, "iterdir", locked)  # root, who may run this, can read any folder
    with pytest.raises(SourceDown, match="must be readable"):
        list(tree._below(tree.folder, tree._pattern))


ids = st.lists(st.integers(1_000_000, 9_999_999).map(str), min_size=1, max_size=25, unique=True)


@both
@settings(max_examples=20)
@given(held=ids)
def test_prefixes_hold_every_id_once_and_in_order(name, held, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tree")
    tree = Tree(folder, source_named(name, Settings(**{f"{name}_tree": folder})).tree.address, 1000)
    for entry in held:
        path = folder / tree.address(entry)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    prefixes = list(tree.prefixes())
    assert prefixes == sorted(set(prefixes)) and {len(prefix) for prefix in prefixes} == {5}
    assert [entry for prefix in prefixes for entry in tree.ids(prefix)] == sorted(held)
    assert tree.count() == (len(held), 0)


def test_the_revision_is_found_however_lines_end(tmp_path):
    tree = source_named("cod", Settings(cod_tree=tmp_path)).tree
    file = tmp_path / "1/00/00/1000001.cif"
    file.parent.mkdir(parents=True)
    for ending in ("\n", "\r\n"):
        file.write_bytes(ending.join(["#---", "#$Revision: 176725 $", "data_x", ""]).encode())
        assert tree.stamp("1000001") == tree.file("1000001").stamp == "176725"
    file.write_text("#$Revision$\ndata_x\n")
    assert "@" in tree.stamp("1000001")
    with pytest.raises(Unreadable):
        tree.stamp("1000002")


def _real() -> Path | None:
    try:
        return real_folder()
    except MissingData:
        return None


@pytest.mark.skipif(_real() is None, reason="the folder of real files is not there")
def test_99_real_cifs_become_records_and_are_read_or_refused_with_a_reason(lake, tmp_path):
    where = _real()
    told = list(cod([*(where / FILES["cod"]).glob("*.cif"), where / FILES["cod one"]]))
    write_tree(told, "cod", tmp_path / "cod")
    source = source_named("cod", offline("cod", tmp_path))
    report = crawl(lake, source)
    assert (report.state, report.added, report.missing) == ("published", 99, 0)
    read, refused = 0, []
    for _, payload in versions(lake, "cod"):
        try:
            read += len(source.read(payload).crystal.checked()) > 0
        except (CrystalError, Unusable) as fault:
            refused.append(str(fault))
    assert read >= 40 and read + len(refused) == 99 and all(refused)
