"""PCOD: COD's engine over predicted crystals. Files lie at `/cif/<d1>/<d1d2d3>/<id>.cif`, another scheme than COD's.

That the engine answers `/result` here too is inferred from COD's other databases; the long CIF path is what AiiDA and
ChimeraX use, the short one `/<id>.cif` is unverified.
"""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.responses import HTMLResponse, Response

from lake.sample.mirror.cod import Engine
from lake.sample.mirror.told import Told


def speaking(shelf: Sequence[Told]) -> FastAPI:
    """PCOD over these tellings: `/result?format=..`, `/cif/<d1>/<d1d2d3>/<id>.cif` and `/<id>.cif`."""
    app = FastAPI(title="PCOD, as a mirror tells it")
    engine = Engine(shelf, "pcod")

    def cif_in_folders(first: str, three: str, number: str) -> Response:
        if number[:1] != first or number[:3] != three:
            return HTMLResponse("<html><body><h1>Not Found</h1></body></html>", status_code=404)
        return engine.cif(number)

    app.get("/result")(engine.result)
    app.get("/cif/{first}/{three}/{number}.cif")(cif_in_folders)
    app.get("/{number}.cif")(engine.cif)
    return app
