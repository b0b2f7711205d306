"""The files of COD or PCOD in folders, as rsync gives them: the same bytes that `/<id>.cif` answers.

COD's tree is `<d1>/<d2d3>/<d4d5>/<id>.cif`; PCOD's is assumed to have the folders of its URLs.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lake.sample.mirror.cod import Engine
from lake.sample.mirror.cod_rows import file_bytes
from lake.sample.mirror.told import Told
from lake.sample.telling import Telling


def write_tree(tellings: Iterable[Telling], database: str, folder: Path) -> list[Path]:
    """Write the tellings of `cod` or `pcod` into a folder; returns their files in the order of ids."""
    engine = Engine([Told(telling) for telling in tellings if telling.source == database], database)
    written = []
    for number in engine.shelf:
        path = folder / (_of_cod(number) if database == "cod" else _of_pcod(number))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file_bytes(engine.text(number)))
        written.append(path)
    return written


def _of_cod(number: str) -> str:
    return f"{number[0]}/{number[1:3]}/{number[3:5]}/{number}.cif"


def _of_pcod(number: str) -> str:
    return f"cif/{number[0]}/{number[:3]}/{number}.cif"
