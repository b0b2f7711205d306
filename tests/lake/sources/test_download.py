"""A download goes on where it was cut off, and what comes is the file or nothing."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import random
import signal
import subprocess
import sys
import time
from hashlib import md5 as md5_of

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.wire import download
from lake.wire.clock import LeapingClock
from lake.wire.down import SourceDown
from lake.wire.download import NoRoom, part_of
from tests.lake.sources._script import client, reply, server
from tests.lake.sources._script import part_of as ranged

BODY = random.Random(3).randbytes(3_500_000)
MD5 = md5_of(BODY).hexdigest()
BRING = """
import sys
from pathlib import Path
from lake.settings import Settings
from lake.wire.http import Polite
base, path, md5 = sys.argv[1:]
Polite("ocp", Settings.for_mirror(base, ocp_url=base)).download(base + "/0.tar", Path(path), md5)
"""


def told(request: bytes, name: str) -> str:
    lines = [line for line in request.decode().splitlines() if line.lower().startswith(name.lower() + ":")]
    return lines[0].partition(":")[2].strip() if lines else ""


@pytest.mark.parametrize("form", ["path", "file"])
@pytest.mark.parametrize("md5", [MD5, MD5.upper(), None])
def test_a_download_cut_off_again_and_again_goes_on_where_it_was(tmp_path, form, md5):
    def cut(request):
        return ranged(BODY, request, 1_200_000, ETag='"v1"')

    with server(cut) as (base, heard):
        polite = client(base, attempts=1)  # a connection that brings a stretch is no fault, however often it breaks
        file = tmp_path / "0.tar" if form == "path" else io.BytesIO()
        answer = polite.download(base + "/0.tar", file, md5)
    assert (file.read_bytes() if form == "path" else file.getvalue()) == BODY
    assert [told(r, "Range") for r in heard] == ["", "bytes=1200000-", "bytes=2400000-"]
    assert [told(r, "If-Range") for r in heard] == ["", '"v1"', '"v1"']
    assert answer.sha256 == hashlib.sha256(BODY).hexdigest()
    assert polite.bytes_received == len(BODY)


def test_only_the_file_is_left_when_it_is_complete(tmp_path):
    with server(reply(body=BODY)) as (base, _):
        client(base).download(base + "/0.tar", tmp_path / "0.tar", MD5)
    assert {path.name for path in tmp_path.iterdir()} <= {"0.tar", "0.tar.lock"}


def test_what_came_survives_a_kill(tmp_path):
    path = tmp_path / "0.tar"

    def stalling(request):
        yield ranged(BODY, request, 1_000_000, Last_Modified="Tue, 14 Nov 2023 22:13:20 GMT")
        time.sleep(30)

    with server(stalling, lambda request: ranged(BODY, request)) as (base, heard):
        bringing = subprocess.Popen([sys.executable, "-c", BRING, base, str(path), MD5])
        while not (part := tmp_path / "0.tar.part").exists() or part.stat().st_size < 500_000:
            time.sleep(0.01)
        bringing.send_signal(signal.SIGKILL)
        bringing.wait()
        came = part.stat().st_size
        assert not path.exists()
    with server(lambda request: ranged(BODY, request)) as (base, heard):
        client(base).download(base + "/0.tar", path, MD5)
    assert path.read_bytes() == BODY
    assert told(heard[0], "Range") == f"bytes={came}-"
    assert told(heard[0], "If-Range") == "Tue, 14 Nov 2023 22:13:20 GMT"


def test_a_server_without_ranges_gives_the_whole_file_again(tmp_path):
    whole = reply(body=BODY, ETag='"v1"')
    with server(reply(body=BODY[:2_000_000], promised=len(BODY), ETag='"v1"'), whole) as (base, heard):
        client(base).download(base + "/0.tar", tmp_path / "0.tar", None)
    assert (tmp_path / "0.tar").read_bytes() == BODY
    assert told(heard[1], "Range") == "bytes=2000000-"


def test_a_file_that_changed_meanwhile_is_fetched_anew(tmp_path):
    """With If-Range a server gives the whole new file; a mixture of both never counts."""
    (tmp_path / "0.tar.part").write_bytes(b"of the old file")
    (tmp_path / "0.tar.version").write_text('"old"')
    with server(reply(body=BODY, ETag='"new"')) as (base, heard):
        client(base).download(base + "/0.tar", tmp_path / "0.tar", None)
    assert told(heard[0], "If-Range") == '"old"'
    assert (tmp_path / "0.tar").read_bytes() == BODY


def test_a_part_that_nobody_can_name_is_not_trusted(tmp_path):
    (tmp_path / "0.tar.part").write_bytes(b"of whatever file")
    with server(lambda request: ranged(BODY, request)) as (base, heard):
        client(base).download(base + "/0.tar", tmp_path / "0.tar", None)
    assert told(heard[0], "Range") == ""
    assert (tmp_path / "0.tar").read_bytes() == BODY


@pytest.mark.parametrize("rot", [b"rotten", BODY[:-1] + b"?", BODY + b"more"], ids=["short", "as long", "longer"])
def test_a_rotten_part_is_found_out_by_its_md5_and_discarded(tmp_path, rot):
    (tmp_path / "0.tar.part").write_bytes(rot)
    with server(lambda request: ranged(BODY, request)) as (base, _):
        client(base).download(base + "/0.tar", tmp_path / "0.tar", MD5)
    assert (tmp_path / "0.tar").read_bytes() == BODY


def test_another_part_than_the_one_asked_for_is_discarded(tmp_path):
    (tmp_path / "0.tar.part").write_bytes(BODY[:1000])
    odd = reply(206, BODY[500:], Content_Range=f"bytes 500-{len(BODY) - 1}/{len(BODY)}")
    with server(odd, reply(body=BODY)) as (base, heard):
        client(base).download(base + "/0.tar", tmp_path / "0.tar", MD5)
    assert (tmp_path / "0.tar").read_bytes() == BODY and len(heard) == 2


@pytest.mark.parametrize("md5", [MD5, None])
def test_a_file_that_lacked_only_its_name_is_not_fetched_again(tmp_path, md5):
    (tmp_path / "0.tar.part").write_bytes(BODY)
    (tmp_path / "0.tar.version").write_text('"v1"')
    with server(lambda request: ranged(BODY, request)) as (base, heard):
        polite = client(base)
        polite.download(base + "/0.tar", tmp_path / "0.tar", md5)
        polite.download(base + "/0.tar", tmp_path / "0.tar", MD5)
    assert (tmp_path / "0.tar").read_bytes() == BODY
    assert len(heard) == (0 if md5 else 1) and polite.bytes_received == 0


def test_a_wrong_md5_is_asked_again_and_then_refused(tmp_path):
    with server(reply(body=b"some bytes")) as (base, heard):
        with pytest.raises(SourceDown, match="MD5"):
            client(base, attempts=8).download(base + "/0.tar", tmp_path / "0.tar", "0" * 32)
        assert len(heard) == download.WHOLES
    assert not (tmp_path / "0.tar").exists() and (tmp_path / "0.tar.part").read_bytes() == b""


def test_a_download_is_asked_again_and_holds_just_the_good_bytes():
    body = b"the good bytes"
    with server(reply(body=b"longer and wrong bytes"), reply(503), reply(body=body)) as (base, _):
        file = io.BytesIO(b"what was in it before, longer than what comes")
        client(base).download(base + "/0.tar", file, md5_of(body).hexdigest())
    assert file.getvalue() == body


def test_bytes_are_kept_as_they_are_sent():
    packed = gzip.compress(BODY)
    with server(reply(body=packed, Content_Encoding="gzip")) as (base, heard):
        file = io.BytesIO()
        client(base).download(base + "/0.tar.gz", file, md5_of(packed).hexdigest())
    assert file.getvalue() == packed
    assert told(heard[0], "Accept-Encoding") == "identity"


def test_a_file_larger_than_the_disk_is_refused_before_a_byte_is_written(tmp_path):
    free = os.statvfs(tmp_path)
    size = free.f_bavail * free.f_frsize * 1000
    needs = r"needs [\d,]+ bytes more on disk, found [\d,]+ free at .*0\.tar\.part"
    with server(reply(body=b"begins", promised=size)) as (base, heard), pytest.raises(NoRoom, match=needs):
        client(base).download(base + "/0.tar", tmp_path / "0.tar", MD5)
    assert len(heard) == 1 and (tmp_path / "0.tar.part").read_bytes() == b""


def test_two_do_not_download_one_file(tmp_path):
    other = [sys.executable, "-c", BRING, "http://127.0.0.1:9", str(tmp_path / "0.tar"), MD5]
    with part_of(tmp_path / "0.tar"):
        done = subprocess.run(other, capture_output=True, text=True)
    assert done.returncode != 0 and "one process at a time" in done.stderr


def test_a_download_that_drips_is_broken_off_and_goes_on():
    class Ticking(LeapingClock):
        def monotonic(self) -> float:
            self.sleep(1.0)
            return super().monotonic()

    def dripping(_):
        yield reply(body=b"", promised=len(BODY), ETag='"v1"')
        for byte in BODY:
            yield bytes([byte])
            time.sleep(0.001)

    with server(dripping, lambda request: ranged(BODY, request)) as (base, heard):
        file = io.BytesIO()
        client(base, Ticking(), slowest=30.0).download(base + "/0.tar", file, MD5)
    assert file.getvalue() == BODY and told(heard[1], "Range")


@given(st.lists(st.integers(1, 4000), max_size=8), st.booleans())
def test_however_it_is_cut_the_file_is_the_file(tmp_path_factory, cuts, ranges):
    """Without a stretch each cut costs an attempt; patience is as long as there are cuts."""
    body, path = BODY[:4001], tmp_path_factory.mktemp("cut") / "0.tar"
    left = list(cuts)

    def words(request):
        upto = left.pop() if left else None
        return ranged(body, request if ranges else b"", upto, ETag='"v1"')

    with server(words) as (base, _):
        client(base, attempts=len(cuts) + 1).download(base + "/0.tar", path, md5_of(body).hexdigest())
    assert path.read_bytes() == body
