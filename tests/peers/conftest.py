"""The real servers, each started once: no more than one test function may ask for each, or two workers start two.

Several sentences about one server are subtests of one function: pytest-xdist hands out functions, not files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.peers.crystals import Made, made_crystals

EXTRA = "needs the servers of the extra `peers`: pip install --constraint constraints.txt --editable '.[peers]'"


@dataclass(frozen=True)
class Peer:
    """A server that other people wrote: its base URL, and the crystals it serves."""

    base: str
    crystals: tuple[Made, ...]


@pytest.fixture(scope="session")
def optimade_peer() -> Iterator[Peer]:
    """The reference OPTIMADE server with all structures, as OQMD would tell them."""
    for package in ("optimade.server.config", "mongomock"):
        pytest.importorskip(package, reason=EXTRA)
    from tests.peers.optimade_server import optimade_serving

    crystals = made_crystals()
    with optimade_serving(crystals) as base:
        yield Peer(base, crystals)


@pytest.fixture(scope="session")
def materials_project_peer() -> Iterator[Peer]:
    """Materials Project's own server with documents of all materials."""
    for package in ("emmet.api", "mongomock"):
        pytest.importorskip(package, reason=EXTRA)
    from tests.peers.materials_project_server import materials_project_serving

    crystals = made_crystals()
    with materials_project_serving(crystals) as base:
        yield Peer(base, crystals)
