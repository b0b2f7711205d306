"""rsync brings a tree: from a folder and from a real daemon on loopback, whole files or none, again after a stop."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.crawl import crawl
from lake.sample.mirror.cod_tree import write_tree
from lake.settings import Settings
from lake.sources import source_named
from lake.sources.crystallography_open import rsync as crystallography_open_rsync
from lake.sources.scope import Scope
from lake.store import Lake
from lake.wire.down import SourceDown
from tests.lake._internet import internet, telling, tellings
from tests.lake._owed import versions

needs_rsync = pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed on this machine")


@pytest.fixture
def theirs(tmp_path) -> Path:
    """The tree of the database."""
    write_tree(tellings("cod"), "cod", tmp_path / "theirs")
    return tmp_path / "theirs"


@pytest.fixture
def daemon(theirs, tmp_path) -> Iterator[str]:
    """A real rsync daemon that serves the tree as its module `cif`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "rsyncd.conf"
    config.write_text(f"use chroot = no\nnumeric ids = yes\n[cif]\npath = {theirs}\nread only = yes\n")
    server = subprocess.Popen(
        ["rsync", "--daemon", "--no-detach", "--address=127.0.0.1", f"--port={port}", f"--config={config}"]
    )
    try:
        _wait_for(port)
        yield f"rsync://127.0.0.1:{port}/cif/"
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int) -> None:
    for _ in range(300):
        with socket.socket() as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError("the rsync daemon did not answer within six seconds")


def settings(tmp_path: Path, source: object, **more: object) -> Settings:
    """Settings that copy a tree below the lake's root, and ask no network."""
    words = {"cod_lists": False, "root": tmp_path / "lake", "cod_rsync": str(source), "rsync_kib": 0, "attempts": 1}
    return Settings.for_mirror("http://127.0.0.1:9", **words | more)


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@needs_rsync
def test_a_crawl_copies_the_tree_of_a_daemon_and_reads_it(daemon, theirs, tmp_path):
    lake, source = Lake(tmp_path / "lake"), source_named("cod", settings(tmp_path, daemon))
    report = crawl(lake, source)
    assert (report.state, report.added, report.error) == ("published", 9, None)
    assert files(tmp_path / "lake/downloads/cod") == files(theirs)
    assert source.rsync.bring(source.tree) == (0, 0)


@needs_rsync
def test_what_changed_and_what_went_away_follows_the_next_night(daemon, theirs, tmp_path):
    lake, source = Lake(tmp_path / "lake"), source_named("cod", settings(tmp_path, daemon))
    write_tree(tellings("cod", each=40), "cod", theirs)
    crawl(lake, source)
    write_tree([telling("cod", 41)], "cod", theirs)
    (theirs / "1/00/00/1000004.cif").unlink()
    assert source.rsync.bring(source.tree) == (1, 1)
    report = crawl(lake, source)
    assert (report.state, report.added, report.changed, report.gone) == ("published", 1, 0, 1)


@needs_rsync
def test_a_folder_of_this_machine_serves_as_well(theirs, tmp_path):
    lake = Lake(tmp_path / "lake")
    assert crawl(lake, source_named("cod", settings(tmp_path, theirs))).added == 9
    assert len(versions(lake, "cod")) == 9


@needs_rsync
def test_only_files_of_entries_are_copied_and_only_they_are_deleted(theirs, tmp_path):
    source = source_named("cod", settings(tmp_path, theirs))
    for stranger in ("README", "1/00/00/1000001.hkl", "1/00/00/notes.txt"):
        (theirs / stranger).write_text("not an entry")
    (theirs / "1/00/00/1000050.cif").symlink_to("/etc/hostname")
    mine = source.tree.folder / "1/00/00/my-notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    (mine.parent / "1999999.cif").write_text("data_1999999")
    assert source.rsync.bring(source.tree) == (9, 1)
    assert sorted(path.name for path in mine.parent.iterdir()) == [
        *(f"100000{n}.cif" for n in range(1, 10)), "my-notes.txt"
    ]  # fmt: skip


def put_big_file(folder: Path) -> None:
    big = folder / "1/00/01/1000100.cif"
    big.parent.mkdir()
    big.write_bytes(b"data_1000100\n" + b"# reflections\n" * 200_000)


@needs_rsync
def test_rsync_whose_time_is_over_goes_on_the_next_night(theirs, tmp_path):
    put_big_file(theirs)
    lake = Lake(tmp_path / "lake")
    stopped = source_named("cod", settings(tmp_path, theirs, rsync_kib=100, rsync_longest=0.5))
    report = crawl(lake, stopped)
    assert (report.state, report.added) == ("open", 0) and "stopped after 0.5 s" in report.error
    assert not list(stopped.tree.folder.rglob("1000100.cif")) or list(stopped.tree.folder.rglob(".rsync-partial"))
    report = crawl(lake, source_named("cod", settings(tmp_path, theirs)))
    assert (report.state, report.added) == ("published", 10)
    assert files(stopped.tree.folder) == files(theirs)


@needs_rsync
def test_rsync_that_was_killed_leaves_no_half_file_where_a_whole_one_belongs(theirs, tmp_path):
    put_big_file(theirs)
    slow = source_named("cod", settings(tmp_path, theirs, rsync_kib=100))
    slow.tree.folder.mkdir(parents=True)
    process = subprocess.Popen(slow.rsync._command(slow.tree), stdout=subprocess.DEVNULL)
    for _ in range(500):
        if list(slow.tree.folder.rglob(".1000100.cif.*")):
            break
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not list(slow.tree.folder.rglob("[0-9]*100.cif"))
    report = crawl(Lake(tmp_path / "lake"), source_named("cod", settings(tmp_path, theirs)))
    assert (report.state, report.added) == ("published", 10)
    whole = {name: content for name, content in files(slow.tree.folder).items() if "/." not in name}
    assert whole == files(theirs)


@needs_rsync
def test_an_emptied_module_does_not_empty_the_tree(theirs, tmp_path, monkeypatch):
    monkeypatch.setattr(crystallography_open_rsync, "MOST_DELETED", 3)
    lake, source = Lake(tmp_path / "lake"), source_named("cod", settings(tmp_path, theirs))
    crawl(lake, source)
    for path in theirs.rglob("*.cif"):
        path.unlink()
    report = crawl(lake, source)
    assert report.state == "open" and "max-delete" in report.error and report.gone == 0
    assert len(files(source.tree.folder)) == 6


@needs_rsync
def test_a_failure_says_the_last_words_of_rsync(tmp_path, daemon):
    lake = Lake(tmp_path / "lake")
    report = crawl(lake, source_named("cod", settings(tmp_path, daemon.replace("/cif/", "/gone/"))))
    assert report.state == "open" and "cod: rsync of" in report.error and "ended with 5" in report.error
    report = crawl(lake, source_named("cod", settings(tmp_path, tmp_path / "nowhere")))
    assert report.state == "open" and "ended with 23" in report.error and "run the crawl again" in report.error


@pytest.mark.parametrize("source", ["host:folder", "host::module", "--rsh=sh", "ssh://host/x", "relative/folder"])
def test_only_a_module_or_a_folder_is_a_source(source, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/rsync")
    with pytest.raises(SourceDown, match="correct CRYSTAL_LAKE_COD_RSYNC"):
        list(source_named("cod", settings(tmp_path, source)).plan(Scope()))


def test_without_the_program_it_is_said_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceDown, match="install it, or clear CRYSTAL_LAKE_COD_RSYNC"):
        list(source_named("cod", settings(tmp_path, "rsync://127.0.0.1/cif/")).plan(Scope()))


def test_a_part_does_not_wait_for_the_whole_tree(tmp_path):
    with internet(tellings("cod")) as net:
        source = source_named("cod", net.settings(cod_rsync="rsync://127.0.0.1:9/cif/", root=tmp_path))
        assert crawl(Lake(tmp_path), source, Scope(limit=3)).state == "published"
        assert net.count(".cif") >= 3
