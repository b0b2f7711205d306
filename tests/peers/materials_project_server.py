"""Materials Project's own API server (`emmet-api`) in a process of its own, serving crystals that the tests made.

What belongs here: which of its routes are served, and the shim between them and mongomock. `/materials/tasks/` is left
out: it searches by MongoDB Atlas, which mongomock does not know. Every question costs a scan of a whole collection.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from tests.peers.crystals import Made
from tests.peers.materials_project_documents import ROUTES, documents
from tests.peers.server_process import running, serve_on_leash

DB_VERSION = "2026.04.13"


@contextmanager
def materials_project_serving(crystals: Iterable[Made], db_version: str = DB_VERSION) -> Iterator[str]:
    """Serve documents of the crystals while the block lasts; gives the API's base URL, without a slash at its end."""
    with tempfile.TemporaryDirectory(prefix="materials-project-") as name:
        folder = Path(name)
        for route, told in documents(crystals).items():
            (folder / f"{route}.json").write_bytes(orjson.dumps(told))
        environment = {"MAPI_DB_VERSION": db_version, "MAPI_DEBUG": "false"}
        with running("tests.peers.materials_project_server", folder, "/heartbeat", environment) as base:
            yield base


class AsyncCollection:
    """The three calls of an asynchronous collection that emmet-api makes, upon mongomock's synchronous one.

    What mongomock cannot do with (`hint`, `maxTimeMS`) changes no answer and is dropped.
    """

    def __init__(self, collection: Any) -> None:
        self._collection = collection

    async def count_documents(self, query: dict[str, Any], **_: Any) -> int:
        return self._collection.count_documents(query)

    async def estimated_document_count(self, **_: Any) -> int:
        return self._collection.estimated_document_count()

    async def aggregate(self, pipeline: list[dict[str, Any]], **_: Any) -> Rows:
        """A pipeline of match, sort, project, skip and limit, which are the parts of one `find`: ten times as fast."""
        stages = {name: told for stage in pipeline for name, told in stage.items()}
        strange = set(stages) - {"$match", "$sort", "$project", "$skip", "$limit"}
        assert not strange, f"emmet-api must ask in stages that `find` knows, found {strange} in {pipeline}"
        found = self._collection.find(stages.get("$match"), dict(stages["$project"]), sort=stages.get("$sort"))
        return Rows(found.skip(stages.get("$skip", 0)).limit(stages.get("$limit", 0)))


class Rows(list):
    """What was found, as the cursor that emmet-api empties."""

    async def to_list(self) -> list[Any]:
        return self


def build(folder: Path) -> object:
    """The server's application as its makers ship it, upon collections in memory."""
    import mongomock
    from emmet.api.core.api import MAPI
    from emmet.api.resource.utils import CollectionWithKey
    from emmet.api.routes.materials.dielectric.resources import dielectric_resource
    from emmet.api.routes.materials.elasticity.resources import elasticity_resource
    from emmet.api.routes.materials.magnetism.resources import magnetism_resource
    from emmet.api.routes.materials.materials.resources import materials_resource
    from emmet.api.routes.materials.phonon.resources import phonon_bsdos_resource
    from emmet.api.routes.materials.piezo.resources import piezo_resource
    from emmet.api.routes.materials.summary.resources import summary_resource
    from emmet.api.routes.materials.thermo.resources import thermo_resource

    resources = {
        "core": materials_resource,  # first: the others are hung below it
        "summary": summary_resource,
        "thermo": thermo_resource,
        "elasticity": elasticity_resource,
        "dielectric": dielectric_resource,
        "piezoelectric": piezo_resource,
        "magnetism": magnetism_resource,
        "phonon": phonon_bsdos_resource,
    }
    database = mongomock.MongoClient().materials_project

    def resource(route: str) -> object:
        told = orjson.loads((folder / f"{route}.json").read_bytes())
        if told:
            database[route].insert_many(told)
        key = "identifier" if route == "phonon" else "material_id"
        return resources[route](CollectionWithKey(AsyncCollection(database[route]), key))

    assert set(resources) == set(ROUTES), "every route needs documents and a resource"
    return MAPI(resources={"materials": [resource(route) for route in resources]}).app


if __name__ == "__main__":
    serve_on_leash(build)
