"""The six databases under one roof: `/mp /aflow /oqmd /cod /pcod /ocp`, each an application of its own."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import FastAPI

from lake.sample.mirror import aflow, cod, materials_project, open_catalyst, oqmd, pcod
from lake.sample.mirror.faults import Faults, FaultyDatabases
from lake.sample.mirror.told import Told
from lake.sample.telling import Telling

DATABASES = {
    "mp": materials_project.speaking,
    "aflow": aflow.speaking,
    "oqmd": oqmd.speaking,
    "cod": cod.speaking,
    "pcod": pcod.speaking,
    "ocp": open_catalyst.speaking,
}


def build_app(tellings: Iterable[Telling], **faults: object) -> FastAPI:
    """The six databases over these tellings; answers are made when asked, so building costs nothing.

    `faults` (see `Faults`) make a database down, slow, stumbling, or answer HTML. Raises ValueError for a telling
    of a source that is none of the six, or when one database would tell two crystals under one id.
    """
    shelves: dict[str, dict[str, Told]] = {slug: {} for slug in DATABASES}
    for telling in tellings:
        shelf = shelves.get(telling.source)
        if shelf is None:
            raise ValueError(f"a telling's source must be one of {list(DATABASES)}, found {telling.source!r}")
        if telling.source_id in shelf:
            raise ValueError(
                f"an id must be told once by its database, found twice: {telling.source}:{telling.source_id}"
            )
        shelf[telling.source_id] = Told(telling)
    app = FastAPI(title="The small internet of Crystal Lake: sample values on loopback")
    for slug, speaking in DATABASES.items():
        app.mount(f"/{slug}", speaking(list(shelves[slug].values())))
    app.add_middleware(FaultyDatabases, faults=Faults(**faults))  # type: ignore[arg-type]
    return app
