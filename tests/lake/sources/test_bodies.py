"""Bodies: whole or refused, within limits of size and time, whoever sends them."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.wire.answers import TryAgain, json_of
from lake.wire.body import _gunzipped
from lake.wire.clock import LeapingClock
from lake.wire.down import SourceDown
from tests.lake.sources._script import client, endless, reply, server

BOMB = gzip.compress(b" " * 50_000_000)
EMPTY_BLOCKS = b"\x00\x00\x00\xff\xff" * 1000  # deflate that goes on for ever and says nothing
CHUNK = b"8000\r\n" + b" " * 0x8000 + b"\r\n"


class Ticking(LeapingClock):
    """A clock on which each look takes a second."""

    def monotonic(self) -> float:
        self.sleep(1.0)
        return super().monotonic()


@pytest.mark.parametrize("way", ["ask", "request"])
@pytest.mark.parametrize(
    "large",
    [
        reply(body=b'"' + b"a" * 2_000_000 + b'"'), reply(body=BOMB, Content_Encoding="gzip"), endless(b" " * 10_000),
        endless(CHUNK, Transfer_Encoding="chunked"),
        reply(302, body=BOMB, Content_Encoding="gzip", Location="/next"),
    ],
    ids=["large", "bomb", "endless", "endless chunks", "bomb in a redirect"],
)  # fmt: skip
def test_a_body_beyond_the_limit_is_refused_and_not_asked_again(large, way):
    with server(large) as (base, _):
        polite = client(base, largest_body=1_000_000)
        with pytest.raises(SourceDown, match="must stay below"):
            _ = polite.ask(base, json_of) if way == "ask" else polite.get(base)
        assert polite.bytes_received < 3_000_000


def test_an_endless_gzip_that_says_nothing_stops_too():
    def drone(_):
        yield b"HTTP/1.1 200 Word\r\nConnection: close\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10]
        while True:
            yield EMPTY_BLOCKS

    with server(drone) as (base, heard):
        polite = client(base, largest_body=1_000_000)
        with pytest.raises(SourceDown, match="must stay below"):
            polite.ask(base, json_of)
    assert len(heard) == 1 and polite.bytes_received < 2_000_000


def test_an_answer_that_drips_is_given_up_in_time_and_asked_again():
    clock = Ticking()
    with server(endless(b" "), reply()) as (base, heard):
        assert client(base, clock, slowest=20.0).ask(base, json_of).value == {"ok": 1}
    assert len(heard) == 2


@pytest.mark.parametrize("cut", [3, 12, 40, -1, -8])
def test_a_truncated_gzip_of_the_promised_length_is_asked_again(cut):
    """urllib3 takes it for whole; of a CIF nobody would see that a half is missing."""
    whole = gzip.compress(b"data_halite\n" + bytes(range(256)) * 20)
    with server(reply(body=whole[:cut], Content_Encoding="gzip"), reply(body=whole, Content_Encoding="gzip")) as (
        base,
        _,
    ):
        answer = client(base).ask(base, lambda body: body)
    assert answer.value == gzip.decompress(whole) and answer.attempts == 2


@given(st.binary(max_size=2000), st.binary(max_size=50), st.integers(1, 300))
def test_a_gzip_of_two_members_comes_out_whole_however_it_is_cut(first, second, step):
    packed = gzip.compress(first * 50) + gzip.compress(second)
    pieces = [packed[at : at + step] for at in range(0, len(packed), step)]
    assert b"".join(_gunzipped(iter(pieces))) == first * 50 + second


@given(st.binary(max_size=300), st.integers(1, 10_000))
def test_no_part_of_a_gzip_passes_for_the_whole(body, cut):
    packed = gzip.compress(body)
    with pytest.raises(TryAgain):
        list(_gunzipped(iter([packed[: 1 + cut % (len(packed) - 1)]])))


@given(st.integers(0, 3_000_000), st.sampled_from([b"\0", b"x", b"deep "]))
def test_a_bomb_comes_out_in_small_parts(size, seed):
    body = (seed * size)[:size]
    parts = list(_gunzipped(iter([zlib.compress(body, wbits=31)])))
    assert b"".join(parts) == body and all(len(part) <= 1 << 18 for part in parts)
