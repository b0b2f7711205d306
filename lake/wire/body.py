"""The body of an answer: read piece by piece, unpacked, within limits of size and time.

What belongs here: bytes on their way in. Whether they are an answer belongs to answers.py.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

import requests
from urllib3.exceptions import HTTPError

from lake.settings import Settings
from lake.wire.answers import NotData, TryAgain
from lake.wire.clock import Clock
from lake.wire.down import SourceDown

PIECE = 1 << 18
GZIP = 16 + zlib.MAX_WBITS


def body_of(response: requests.Response, settings: Settings, clock: Clock, count: Callable[[int], None]) -> bytes:
    """The unpacked body. Raises SourceDown beyond `largest_body` (an endless one or a bomb stops there), TryAgain
    where it was cut off, broken, or not complete after `slowest` seconds, NotData for a packing nobody asked for.
    """
    packed = _hurried(_limited(pieces_of(response, count), response, settings), settings, clock)
    return b"".join(_limited(_unpacked(packed, response), response, settings))


def pieces_of(response: requests.Response, count: Callable[[int], None]) -> Iterator[bytes]:
    """The body as it comes, packed as it is: each piece is there as soon as any of it is, so that a drip shows.

    count: told the bytes of each piece. Raises TryAgain where the connection breaks or stalls.
    """
    try:
        while piece := response.raw.read1(PIECE, decode_content=False):
            count(len(piece))
            yield piece
    except HTTPError as fault:
        raise TryAgain(f"an answer cut off: {fault}") from fault
    finally:
        response.close()


def _limited(pieces: Iterator[bytes], response: requests.Response, settings: Settings) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > settings.largest_body:
            response.close()
            raise SourceDown(
                f"an answer must stay below {settings.largest_body:,} bytes, {response.url} gives more; "
                "ask for smaller pages or raise CRYSTAL_LAKE_LARGEST_BODY"
            )
        yield piece


def _hurried(pieces: Iterator[bytes], settings: Settings, clock: Clock) -> Iterator[bytes]:
    start = clock.monotonic()
    for piece in pieces:
        yield piece
        if clock.monotonic() - start > settings.slowest:
            raise TryAgain(f"an answer still incomplete after {settings.slowest:g} s")


def _unpacked(pieces: Iterator[bytes], response: requests.Response) -> Iterator[bytes]:
    packing = response.headers.get("Content-Encoding", "identity").strip().lower()
    if packing in ("gzip", "x-gzip"):
        return _gunzipped(pieces)
    if packing in ("", "identity") or response.status_code != 200:
        return pieces
    response.close()
    raise NotData(f"an answer packed as {packing[:40]!r}, which was not asked for")


def _gunzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """A gzip of one member or several, in parts of a PIECE at most; unlike urllib3's, it must be whole."""
    unpacker, came = zlib.decompressobj(GZIP), False
    try:
        for piece in pieces:
            came = True
            more = True
            while more:
                if unpacker.eof:
                    unpacker = zlib.decompressobj(GZIP)
                part = unpacker.decompress(piece, PIECE)
                yield part
                piece = unpacker.unconsumed_tail or unpacker.unused_data
                more = bool(piece) or (len(part) == PIECE and not unpacker.eof)
    except zlib.error as fault:
        raise TryAgain(f"an answer whose gzip is broken ({fault})") from fault
    if came and not unpacker.eof:
        raise TryAgain("half an answer: its gzip has no end")
