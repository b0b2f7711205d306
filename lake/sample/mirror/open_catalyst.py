"""Open Catalyst: static tar files of relaxations with their md5s, and Range requests.

What belongs here: the files and how they are handed out. What a trajectory says: `trajectories.py`. The layout is
OC20's: `<index>/system.txt` with lines `system_id,reference_energy` beside `<index>/<system_id>.extxyz.xz`. The real
md5s stand in a document (fairchem's oc20.md); here they stand in `index.txt`, one `<md5>  <path>` a line, as md5sum
writes them.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import re
import tarfile
from collections.abc import Sequence
from functools import cache

from fastapi import FastAPI, Request, Response
from starlette.responses import PlainTextResponse

from lake.sample.mirror.told import Told
from lake.sample.mirror.trajectories import reference_energy, trajectory

SYSTEMS_PER_FILE = 8
_RANGE = re.compile(r"bytes=(\d+)-(\d*)$")


def speaking(shelf: Sequence[Told]) -> FastAPI:
    """Open Catalyst over these tellings: `/index.txt` (also `/md5.txt`) and `/per_adsorbate_is2res/<index>.tar`."""
    app = FastAPI(title="Open Catalyst, as a mirror tells it")
    ordered = sorted(shelf, key=lambda told: told.id)
    parts = [ordered[i : i + SYSTEMS_PER_FILE] for i in range(0, len(ordered), SYSTEMS_PER_FILE)]

    @cache
    def archive(index: int) -> bytes:
        return packed(str(index), parts[index])

    @app.get("/index.txt")
    @app.get("/md5.txt")
    def md5s() -> Response:
        lines = [f"{_md5(archive(i))}  per_adsorbate_is2res/{i}.tar\n" for i in range(len(parts))]
        return PlainTextResponse("".join(lines))

    @app.get("/per_adsorbate_is2res/{index}.tar")
    def file(index: int, request: Request) -> Response:
        if not 0 <= index < len(parts):
            return PlainTextResponse("Not Found", status_code=404)
        return _ranged(archive(index), request.headers.get("range"))

    return app


def packed(index: str, systems: Sequence[Told]) -> bytes:
    """One tar file; the same systems always give the same bytes."""
    lines = [f"{told.id},{'' if (e := reference_energy(told)) is None else f'{e:.8f}'}\n" for told in systems]
    members = {"system.txt": "".join(lines).encode()}
    for told in systems:
        members[f"{told.id}.extxyz.xz"] = lzma.compress(trajectory(told).encode(), preset=6)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(f"{index}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _ranged(content: bytes, wanted: str | None) -> Response:
    """The whole file, or the part of it that a Range header names."""
    headers = {"ETag": f'"{_md5(content)}"', "Accept-Ranges": "bytes"}
    found = _RANGE.match(wanted or "")
    if not found:
        return Response(content, headers=headers, media_type="application/x-tar")
    first, last = int(found[1]), min(int(found[2] or len(content) - 1), len(content) - 1)
    if first > last:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{len(content)}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
    return Response(content[first : last + 1], 206, headers, media_type="application/x-tar")


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
