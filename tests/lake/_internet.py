"""The mirror with a door that counts who comes in and can be shut: what tests of crawls stand on."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote

import numpy as np
import uvicorn

from lake.crystal import Crystal
from lake.sample.mirror import build_app
from lake.sample.telling import Telling
from lake.settings import Settings

Fault = Callable[[str], object]  # path and query -> a Starlette response to give instead, or None


class Internet:
    """An ASGI application around the mirror. asked: path and query of every request; fault: what goes wrong now."""

    def __init__(self, tellings: Iterable[Telling]) -> None:
        self.tell(tellings)
        self.asked: list[str] = []
        self.fault: Fault = lambda path: None
        self.base = ""
        self.root = Path("data")

    def tell(self, tellings: Iterable[Telling]) -> None:
        """From now on the databases hold these tellings."""
        self._app = build_app(list(tellings))

    def settings(self, **more: object) -> Settings:
        """Settings that ask this internet, impatiently."""
        return Settings.for_mirror(
            self.base, **{"root": self.root, "wait_initial": 0.01, "wait_max": 0.02, "attempts": 3, **more}
        )

    def count(self, part: str) -> int:
        """Requests whose path and query hold this text."""
        return sum(part in path for path in self.asked)

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        path = unquote(scope.get("path", "") + "?" + scope.get("query_string", b"").decode())
        self.asked.append(path)
        await (self.fault(path) or self._app)(scope, receive, send)


@contextmanager
def internet(tellings: Iterable[Telling]) -> Iterator[Internet]:
    """Serve the tellings on a free loopback port while the block lasts."""
    door = Internet(tellings)
    with TemporaryDirectory() as root, socket.socket() as listening:
        door.root = Path(root)
        listening.bind(("127.0.0.1", 0))
        door.base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(door, log_level="critical", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            deadline = time.monotonic() + 30
            while not server.started and time.monotonic() < deadline:
                time.sleep(0.01)
            yield door
        finally:
            server.should_exit = True
            thread.join(timeout=30)


LEVELS = {
    "mp": ("PBE", "PBE+U"), "aflow": ("PBE", "LDA"), "oqmd": ("PBE",), "cod": ("experiment",),
    "pcod": ("GRINSP model",), "ocp": ("RPBE",),
}  # fmt: skip
VALUES = {
    "mp": {
        "band_gap": 4.5, "formation_energy_per_atom": -3.0, "energy_above_hull": 0.0, "bulk_modulus": 150.0,
        "shear_modulus": 120.0, "magnetization_per_atom": 0.25, "static_dielectric_constant": 10.5,
        "optical_dielectric_constant": 3.25, "refractive_index": 1.8, "piezoelectric_modulus": 0.5,
    },
    "aflow": {
        "band_gap": 4.25, "formation_energy_per_atom": -2.9, "bulk_modulus": 151.0, "shear_modulus": 119.0,
        "magnetization_per_atom": 0.25, "debye_temperature_agl": 700.0, "thermal_conductivity_agl": 20.5,
        "thermal_expansion_agl": 2e-5,
    },
    "oqmd": {"band_gap": 4.125, "formation_energy_per_atom": -2.95, "energy_above_hull": -0.01},
    "cod": {"density_measured": 3.58},
    "pcod": {},
    "ocp": {"adsorption_energy": -1.5},
}  # fmt: skip


def source_ids(source: str, number: int) -> str:
    """The id of a crystal as each database writes ids."""
    words = {
        "mp": "mp-{}",
        "aflow": "aflow:{:016x}",
        "ocp": "random{}",
        "cod": "1{:06d}",
        "pcod": "8{:06d}",
        "oqmd": "5{:06d}",
    }
    return words[source].format(number)


def telling(source: str, number: int, **values: float) -> Telling:
    """MgO in a cell of its own size as a database tells it; for Open Catalyst, oxygen on a scrap of magnesium."""
    if source == "ocp":
        crystal = Crystal(np.diag([4.0, 4.0, 20.0 + number / 8]), [[0, 0, 0], [0.5, 0.5, 0], [0, 0, 0.1]], [12, 12, 8])
    else:
        half = 2.1 + number / 64
        lattice = half * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
        crystal = Crystal(lattice, [[0, 0, 0], [0.5, 0.5, 0.5]], [12, 8])
    levels = LEVELS[source]
    told = {**VALUES[source], **values}
    return Telling(source, source_ids(source, number), crystal, told, levels[number % len(levels)])


def tellings(*sources: str, each: int = 9) -> list[Telling]:
    """So many crystals as each of these databases tells them."""
    return [telling(source, number) for source in sources for number in range(1, each + 1)]
