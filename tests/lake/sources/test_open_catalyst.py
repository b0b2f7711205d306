"""Open Catalyst: archives come whole or not at all, are read by place, and nothing in them can reach out."""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import tarfile
from pathlib import Path

import orjson
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

from lake.crawl import crawl
from lake.crystal import CrystalError
from lake.extxyz import frames
from lake.properties import PROPERTIES
from lake.sample.mirror.open_catalyst import handed_out
from lake.settings import Settings
from lake.sources import source_named
from lake.sources.open_catalyst import source as open_catalyst
from lake.sources.open_catalyst.archives import PUBLISHED, chosen
from lake.sources.open_catalyst.relaxations import contents, last_frame, relaxations
from lake.sources.open_catalyst.source import index_of
from lake.sources.page import Unit
from lake.sources.scope import WHOLE, Scope
from lake.store import Lake
from lake.wire.answers import NotData
from lake.wire.down import SourceDown
from tests.lake._internet import internet, telling, tellings
from tests.lake._owed import ledger, versions

RECORDED = Path(__file__).parents[2] / "recorded/ocp"
WIRE = Path(os.environ.get("CRYSTAL_LAKE_REAL_DATA", "../shared/data")) / "wire/oc20"
TEXT = (RECORDED / "random1.extxyz").read_text()
PACKED = lzma.compress(TEXT.encode(), preset=0)


def tar(*members: tuple[str, bytes] | tarfile.TarInfo) -> bytes:
    """A plain tar of files with content, and of whatever else is given as a header alone."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            archive.addfile(info, io.BytesIO(member[1]))
    return file.getvalue()


def read(archive: bytes):
    """What an archive holds, its payloads by system, and why others have none."""
    file = io.BytesIO(archive)
    there = contents(file)
    found = {system: what for system, _, what in relaxations(file, there.members)}
    records = {system: orjson.loads(what.payload) for system, what in found.items() if not isinstance(what, str)}
    return there, records, {system: what for system, what in found.items() if isinstance(what, str)}


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture(scope="module")
def door():
    with internet(tellings("ocp")) as net:
        yield net


@pytest.fixture
def net(door, monkeypatch):
    monkeypatch.setattr(open_catalyst, "PER_UNIT", 3)
    door.tell(tellings("ocp"))
    door.fault = lambda path: None
    door.asked.clear()
    return door


def source(net, lake: Lake, **more: object):
    return source_named("ocp", net.settings(root=lake.root, **more))


def serve(net, **archives: bytes) -> None:
    """From now on the server holds these archives, as S3 hands them out."""
    lines = "".join(f"{hashlib.md5(content).hexdigest()}  {name}.tar\n" for name, content in archives.items())

    def handing_out(content: bytes):
        async def app(scope, receive, send):
            await handed_out(content, Headers(scope=scope))(scope, receive, send)

        return app

    def answer(path: str):
        if path.startswith("/ocp/index.txt"):
            return PlainTextResponse(lines)
        name = path.removeprefix("/ocp/").split(".tar")[0]
        return handing_out(archives[name]) if name in archives else None

    net.fault = answer


def test_the_last_frame_is_kept_verbatim_with_its_energies_wherever_the_references_stand():
    references = (RECORDED / "system.txt").read_bytes()
    both = (("0/0/random1.extxyz.xz", PACKED), ("0/0/random2.extxyz.xz", PACKED))
    for members in ((("0/system.txt", references), *both), (*both, ("0/system.txt", references))):
        there, records, unread = read(tar(*members))
        assert records["random1"]["extxyz"] == "".join(TEXT.splitlines(keepends=True)[5:])
        assert records["random1"]["energy"] == -11.5 and records["random1"]["adsorption_energy"] == -1.5
        assert records["random2"]["adsorption_energy"] is None  # its line has no energy
        assert (there.total, there.lacking, there.refused, unread) == (2, (), {}, {})


@given(st.integers(1, 5), st.integers(0, 9), st.sampled_from([0, 1, 2]))
def test_the_last_of_any_number_of_frames_is_kept_in_one_or_more_streams(count, padding, streams):
    text = "".join(f"1\nenergy={-step}\nH 0 0 {step}\n" for step in range(count)).encode()
    cut = len(text) * streams // 3
    packed = b"".join(lzma.compress(part, preset=0) for part in (text[:cut], text[cut:])) + b"\0" * 4 * padding
    assert last_frame(packed) == f"1\nenergy={1 - count}\nH 0 0 {count - 1}\n"


def link(name: str, kind: bytes, to: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, to
    return member


def test_members_that_reach_out_of_their_archive_are_refused_and_nothing_is_written(tmp_path, monkeypatch):
    home = tmp_path / "a/b"
    home.mkdir(parents=True)
    monkeypatch.chdir(home)
    evil = ["../evil/random2.extxyz.xz", "/etc/random3.extxyz.xz", "0/../../random4.extxyz.xz", "../system.txt"]
    there, records, _ = read(
        tar(
            ("0/random1.extxyz.xz", PACKED),
            *((name, PACKED) for name in evil),
            link("0/random5.extxyz.xz", tarfile.SYMTYPE, "/etc/passwd"),
            link("0/random6.extxyz.xz", tarfile.LNKTYPE, "0/random1.extxyz.xz"),
            link("0/random7.extxyz.xz", tarfile.CHRTYPE),
            link("0/random8.extxyz.xz", tarfile.FIFOTYPE),
            link("0", tarfile.DIRTYPE),
            ("0/notes.pkl", b"never opened"),
            ("0/again/random1.extxyz.xz", PACKED),
        )
    )
    assert list(records) == ["random1"] and there.total == 1
    links = {f"0/random{n}.extxyz.xz" for n in (5, 6, 7, 8)}
    assert set(there.refused) == {*evil, *links, "0/again/random1.extxyz.xz"}
    assert all("stay inside" in there.refused[name] for name in evil)
    assert all("plain file" in there.refused[name] for name in links)
    assert [*tmp_path.rglob("*")] == [home.parent, home]


def test_what_cannot_be_read_is_told_and_costs_the_others_nothing():
    bad = {
        "half": PACKED[:-40],
        "noise": b"no xz at all",
        "short": lzma.compress(TEXT[:-200].encode()),
        "nothing": lzma.compress(b""),
        "long": lzma.compress(b"3\n" + b" " * (1 << 20)),
        "latin": lzma.compress("1\nwho=é\nO 0 0 0\n".encode("latin-1")),
    }
    there, records, unread = read(tar(("x/system.txt", b"gone,-1\ngood,-10\nthis is no line\ngood2,x\n"),
                                      *((f"x/{name}.extxyz.xz", what) for name, what in bad.items()),
                                      ("x/good.extxyz.xz", PACKED)))  # fmt: skip
    assert list(records) == ["good"] and set(unread) == set(bad)
    assert records["good"]["adsorption_energy"] == -1.5
    assert there.lacking == ("gone", "good2") and there.total == 9
    assert "found 2 others" in there.refused["x/system.txt"]


def test_a_bomb_stops_at_the_limit_of_its_size(monkeypatch):
    monkeypatch.setattr("lake.sources.open_catalyst.relaxations.LARGEST_TRAJECTORY", 1 << 20)
    with pytest.raises(CrystalError, match="must stay below"):
        last_frame(lzma.compress(b"\n" * (1 << 24), preset=0))


def test_a_bomb_stops_at_the_memory_that_its_header_asks_for():
    hungry = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 29}]
    with pytest.raises(lzma.LZMAError, match=r"[Mm]emory"):
        last_frame(lzma.compress(TEXT.encode(), filters=hungry))


def test_what_is_no_tar_is_named():
    with pytest.raises(tarfile.TarError):
        contents(io.BytesIO(lzma.compress(b"x" * 9999)))


@pytest.mark.skipif(not WIRE.is_dir(), reason=f"recorded relaxations are not at {WIRE}")
def test_recorded_relaxations_become_slabs():
    texts = {path.stem: path.read_text() for path in sorted(WIRE.glob("*.extxyz"))}
    _, records, unread = read(
        tar(*((f"0/0/{s}.extxyz.xz", lzma.compress(t.encode(), preset=0)) for s, t in texts.items()))
    )
    assert len(records) == 8 and not unread
    for system, text in texts.items():
        entry = source_named("ocp", Settings()).read(orjson.dumps(records[system]).decode())
        assert len(entry.crystal.checked()) > 20
        assert (entry.kind, entry.level_of_theory) == ("slab+adsorbate", "RPBE")
        *_, last = frames(text.splitlines(keepends=True))
        assert records[system]["extxyz"] == "".join(last)


def test_a_list_of_md5s_is_read_and_a_web_page_or_a_path_outwards_is_not():
    md5 = "d41d8cd98f00b204e9800998ecf8427e"
    assert index_of(f"{md5}  a/0.tar\n{md5}  ../1.tar\n{md5}  /2.tar\n{md5}  3.pkl\n".encode()) == {"a/0.tar": md5}
    with pytest.raises(NotData):
        index_of(b"<html>0.tar</html>")


def test_archives_are_chosen_by_pattern_and_never_two_that_hold_the_same():
    assert len(chosen(PUBLISHED, ["is2res_val_*"])) == 4
    assert len(chosen(PUBLISHED, ["per_adsorbate_is2res/*"])) == 73
    with pytest.raises(ValueError, match="no archive of Open Catalyst is called 's2ef"):
        chosen(PUBLISHED, ["s2ef*"])
    with pytest.raises(ValueError, match="once more"):
        chosen(PUBLISHED, ["is2res_train*", "per_adsorbate_is2res/0.tar"])


def test_at_home_the_published_list_stands_and_nothing_is_asked_for_it():
    taken = source_named("ocp", Settings()).marker()
    assert taken != source_named("ocp", Settings(ocp_archives="is2res_train*")).marker()


def test_a_crawl_brings_every_relaxation_once_and_proves_it(net, lake):
    report = crawl(lake, source(net, lake))
    assert (report.state, report.added, report.missing) == ("published", 9, 0)
    assert [orjson.loads(payload)["adsorption_energy"] for _, payload in versions(lake, "ocp")] == [
        pytest.approx(-1.5, abs=1e-6)
    ] * 9
    assert len([page for page in ledger(lake, "ocp", "ok") if "members=" in page]) == 4
    assert [file.name.split("@")[0] for file in (lake.root / "downloads/ocp").glob("*.tar")] == [
        "per_adsorbate_is2res+1.tar"
    ]


def test_what_is_held_whole_is_listed_and_not_downloaded_again(net, lake):
    crawl(lake, source(net, lake))
    for file in (lake.root / "downloads/ocp").iterdir():
        file.unlink()
    report = crawl(lake, source(net, lake), anew=True)
    assert (report.state, report.records_seen, report.gone) == ("published", 0, 0)
    # a HEAD looks like a GET from here, but a download would lie on disk
    assert not [*(lake.root / "downloads/ocp").iterdir()]


def test_a_new_archive_is_fetched_and_an_old_one_that_left_the_list_is_gone(net, lake):
    one, two = tar(("0/random1.extxyz.xz", PACKED)), tar(("1/random2.extxyz.xz", PACKED), ("1/r3.extxyz.xz", PACKED))
    serve(net, one=one, two=two)
    assert crawl(lake, source(net, lake)).added == 3
    serve(net, two=two, three=tar(("3/random4.extxyz.xz", PACKED)))
    report = crawl(lake, source(net, lake))
    assert (report.added, report.changed, report.gone) == (1, 0, 1)


def test_archives_that_are_no_longer_chosen_keep_their_records(net, lake):
    serve(net, one=tar(("0/random1.extxyz.xz", PACKED)), two=tar(("1/random2.extxyz.xz", PACKED)))
    crawl(lake, source(net, lake))
    report = crawl(lake, source(net, lake, ocp_archives="two.tar"))
    assert (report.state, report.gone) == ("published", 0)
    with pytest.raises(ValueError, match=r"called .three"):
        crawl(lake, source(net, lake, ocp_archives="three.tar"))


def test_systems_without_trajectory_and_refused_members_are_told_and_the_crawl_still_closes(net, lake):
    serve(net, one=tar(("0/system.txt", b"random1,-10\nrandom9,-3\n"), ("0/random1.extxyz.xz", PACKED),
                       ("../evil.extxyz.xz", PACKED), ("0/random2.extxyz.xz", PACKED[:-40])))  # fmt: skip
    report = crawl(lake, source(net, lake))
    assert (report.state, report.added, report.missing) == ("published", 1, 3)
    told = " ".join(ledger(lake, "ocp", "missing"))
    assert all(word in told for word in ("#random9", "#random2", "#../evil.extxyz.xz"))
    assert not [*lake.root.parent.rglob("evil*")]


def test_a_file_that_somebody_removed_is_fetched_again_in_the_middle(net, lake):
    s = source(net, lake)
    [listing] = s.plan(WHOLE)
    first = s.fetch(listing, {}).following[0]
    members = s.fetch(first, {}).following
    for file in (lake.root / "downloads/ocp").iterdir():
        file.unlink()
    assert len(source(net, lake).fetch(members[1], {}).records) == 3


def test_halves_hold_the_same_members_down_to_one(net, lake):
    s = source(net, lake)
    [listing] = s.plan(WHOLE)
    archive = s.fetch(listing, {}).following[0]
    assert s.halves(listing) == s.halves(archive) == ()
    whole = s.fetch(archive, {}).following[0]

    def singles(unit: Unit) -> list[Unit]:
        pieces = s.halves(unit)
        assert bool(pieces) != unit.alone
        return [one for piece in pieces for one in singles(piece)] if pieces else [unit]

    alone = [s.fetch(unit, {}) for unit in singles(whole)]
    assert [record for page in alone for record in page.records] == s.fetch(whole, {}).records
    assert not any(page.following for page in alone)


def test_no_property_reads_a_total_energy():
    read_ = {reading.path for kind in PROPERTIES.values() for reading in kind.readings if reading.source == "ocp"}
    assert read_ == {"adsorption_energy"}


def test_a_limit_leaves_the_second_archive_alone(net, lake):
    report = crawl(lake, source(net, lake), Scope(limit=5))
    assert (report.state, report.records_seen) == ("published", 5)
    assert not [file for file in (lake.root / "downloads/ocp").iterdir() if "+1.tar" in file.name]


def test_a_scope_keeps_what_holds_its_elements(net, lake):
    h, bad = lzma.compress(b'1\nLattice="4 0 0 0 4 0 0 0 4"\nH 0 0 0\n'), lzma.compress(b"1\n\nH 0 0 0\n")
    serve(net, one=tar(("0/random1.extxyz.xz", PACKED), ("0/h.extxyz.xz", h), ("0/bad.extxyz.xz", bad)))
    assert crawl(lake, source(net, lake), Scope(elements=("O",))).records_seen == 1
    assert crawl(lake, source(net, lake), Scope(chemsys=("H",))).records_seen == 1
    assert crawl(lake, source(net, lake)).added == 1  # the one without a cell; the others are there


def test_a_wrong_md5_is_no_archive(net, lake):
    good = tar(("0/random1.extxyz.xz", PACKED))
    serve(net, one=good)
    listed = net.fault
    net.fault = lambda path: PlainTextResponse(f"{'0' * 32}  one.tar") if "index" in path else listed(path)
    report = crawl(lake, source(net, lake))
    assert report.state == "open" and "MD5" in report.error and not versions(lake, "ocp")
    assert not [*(lake.root / "downloads/ocp").glob("*.tar")]


def test_a_download_that_breaks_off_again_and_again_still_comes_whole(net, lake):
    content = tar(*((f"0/random{n}.extxyz.xz", PACKED) for n in range(9)))
    serve(net, one=content)
    listed, cuts = net.fault, []

    async def cut(scope, receive, send):
        """The answer as it should be, up to a third of what is left; then the connection ends."""
        told = handed_out(content, Headers(scope=scope))
        cuts.append(dict(scope["headers"]).get(b"range"))
        await send({"type": "http.response.start", "status": told.status_code, "headers": told.raw_headers})
        part = told.body[: max(1, len(told.body) // 3)]
        await send({"type": "http.response.body", "body": part, "more_body": True})
        raise ConnectionError

    source(net, lake).marker()
    net.fault = lambda path: cut if "one.tar" in path and len(cuts) < 4 else listed(path)
    [unit] = source(net, lake).plan(WHOLE)
    [archive] = source(net, lake).fetch(unit, {}).following
    page = source(net, lake, attempts=6).fetch(archive, {})
    assert cuts[0] is None and all(cuts[1:]) and len(cuts) == 4  # each goes on where the last one ended
    assert page.total == 9
    [path] = (lake.root / "downloads/ocp").glob("*.tar")
    assert path.read_bytes() == content and page.sha256 == hashlib.sha256(content).hexdigest()


def test_signs_of_life_come_from_the_archives_themselves(net, lake):
    source(net, lake).alive()
    net.fault = lambda path: PlainTextResponse("Service Unavailable", 503) if ".tar" in path else None
    net.asked.clear()
    with pytest.raises(SourceDown, match="503"):
        source(net, lake).alive()
    assert net.count(".tar") == 1  # without patience


def test_a_forecast_tells_sizes_from_the_server_and_warns_of_what_is_downloaded(net, lake):
    content = tar(("0/random1.extxyz.xz", PACKED))
    serve(net, one=content, two=content)
    told = source(net, lake).forecast(WHOLE)
    assert (told.records, told.requests) == (2, 3)
    assert told.size == len(content) + 2 * open_catalyst.BYTES_PER_RECORD
    assert "2 archives" in told.note and "whole archives" in told.note
    assert source(net, lake).forecast(Scope(limit=1)).records == 1
    many = Settings(root=lake.root, ocp_archives="per_adsorbate_is2res/*")  # published sizes: nothing is asked
    assert source_named("ocp", many).forecast(WHOLE).requests == 74


def test_records_are_whole_so_there_is_no_column_to_fetch(net, lake):
    with pytest.raises(ValueError, match="whole"):
        next(source(net, lake).column("forces", {}))


@given(st.integers(0, 30), st.integers(0, 30), st.sampled_from(["{}-{}", "{}-", "-{}"]))
def test_the_mirror_hands_out_ranges_as_rfc_9110_says(first, last, words):
    content = bytes(range(20))
    told = handed_out(content, {"range": "bytes=" + words.format(first, last)})
    expected = {"{}-{}": content[first : last + 1], "{}-": content[first:], "-{}": content[-first:] if first else b""}[
        words
    ]
    if told.status_code == 206:
        assert told.body == expected
        start, end = told.headers["content-range"].removeprefix("bytes ").split("/")[0].split("-")
        assert content[int(start) : int(end) + 1] == expected
    else:
        assert (told.status_code, told.headers["content-range"], expected) == (416, "bytes */20", b"")


def test_the_mirror_gives_the_whole_where_the_file_has_changed_and_403_where_there_is_none(net):
    url = f"{net.base}/ocp/per_adsorbate_is2res/0.tar"
    whole = requests.get(url)
    assert int(requests.head(url).headers["Content-Length"]) == len(whole.content)
    ask = {"Range": "bytes=100-"}
    same = requests.get(url, headers={**ask, "If-Range": whole.headers["ETag"]})
    assert (same.status_code, same.content) == (206, whole.content[100:])
    net.tell([telling("ocp", 1)])
    other = requests.get(url, headers={**ask, "If-Range": whole.headers["ETag"]})
    assert other.status_code == 200 and other.headers["ETag"] != whole.headers["ETag"]
    assert requests.get(url.replace("/0.tar", "/7.tar")).status_code == 403
