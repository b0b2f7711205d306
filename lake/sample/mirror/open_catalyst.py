"""Open Catalyst: static tar files of relaxations with their md5s, handed out as S3 does behind its CDN.

What belongs here: the files and how they are handed out. What a trajectory says: `trajectories.py`. The layout is
OC20's: `<index>/system.txt` with lines `system_id,reference_energy` beside `<index>/<index>/<system_id>.extxyz.xz`.
The real md5s stand in a document (fairchem's oc20.md); here they stand in `index.txt`, one `<md5>  <path>` a line, as
md5sum writes them. What is not there is answered with 403, as others found there; an ETag is no md5, as of large S3
objects. A telling's fact `stray_member` names one more member of its archive, such as `../evil.extxyz.xz`.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import re
import tarfile
from collections.abc import Mapping, Sequence
from functools import cache

from fastapi import FastAPI, Request, Response
from starlette.responses import PlainTextResponse

from lake.sample.mirror.told import Told
from lake.sample.mirror.trajectories import reference_energy, trajectory

SYSTEMS_PER_FILE = 8
REVISED = "Wed, 10 Feb 2021 00:00:00 GMT"  # the release that stands
DENIED = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
)
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


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

    @app.api_route("/per_adsorbate_is2res/{index}.tar", methods=["GET", "HEAD"])
    def file(index: int, request: Request) -> Response:
        if not 0 <= index < len(parts):
            return Response(DENIED, 403, media_type="application/xml")
        return handed_out(archive(index), request.headers)

    return app


def packed(index: str, systems: Sequence[Told]) -> bytes:
    """One tar file; the same systems always give the same bytes."""
    lines = [f"{told.id},{'' if (e := reference_energy(told)) is None else f'{e:.8f}'}\n" for told in systems]
    members = {f"{index}/system.txt": "".join(lines).encode()}
    for told in systems:
        content = lzma.compress(trajectory(told).encode(), preset=6)
        members[f"{index}/{index}/{told.id}.extxyz.xz"] = content
        members |= {str(name): content for name in [told.telling.facts.get("stray_member")] if name}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def handed_out(content: bytes, asked: Mapping[str, str]) -> Response:
    """A file, or the one part of it that a Range header names; several parts are answered with the whole.

    `If-Range` with another ETag or date than this file's gives the whole, a part beyond its end 416.
    """
    headers = {"ETag": f'"{_md5(_md5(content).encode())}-2"', "Last-Modified": REVISED, "Accept-Ranges": "bytes"}
    found = _RANGE.match(asked.get("range", ""))
    same = asked.get("if-range", headers["ETag"]) in (headers["ETag"], REVISED)
    if not found or not same or not any(found.groups()):
        return Response(content, headers=headers, media_type="application/x-tar")
    if found[1]:
        first, last = int(found[1]), min(int(found[2] or len(content) - 1), len(content) - 1)
    else:  # the last so many bytes
        first, last = max(0, len(content) - int(found[2])), len(content) - 1
    if first > last:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{len(content)}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
    return Response(content[first : last + 1], 206, headers, media_type="application/x-tar")


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
