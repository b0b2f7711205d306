"""The six databases and a folder of your own, a package each. This registry is the only place that names all."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lake.settings import Settings
    from lake.sources.page import Source

_MODULES = {
    "mp": "materials_project.source",
    "aflow": "aflow.source",
    "ocp": "open_catalyst.source",
    "cod": "crystallography_open.cod",
    "pcod": "crystallography_open.pcod",
    "oqmd": "oqmd.source",
    "folder": "folder.source",
}
NAMES = tuple(name for name in _MODULES if name != "folder")  # the databases: what a crawl without names asks
EVERY = (*NAMES, "folder")


def source_named(name: str, settings: Settings | None = None) -> Source:
    """The source of that slug, configured (from the environment where no settings are given). Raises ValueError.

    A module is imported when its database is asked for: some clients take seconds to import.
    """
    if name not in _MODULES:
        raise ValueError(f"no source is called {name!r}; there are {', '.join(EVERY)}")
    if settings is None:
        from lake.settings import Settings

        settings = Settings()
    return import_module(f"lake.sources.{_MODULES[name]}").source(settings)
