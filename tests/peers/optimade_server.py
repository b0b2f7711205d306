"""The reference OPTIMADE server (`optimade[server]`) in a process of its own, serving crystals that the tests made.

What belongs here: how that server wants its data and settings. It keeps them in mongomock, so it needs no MongoDB, and
every page costs a scan of everything.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import gcd
from pathlib import Path
from typing import Any

from lake.crystal import SYMBOLS
from tests.peers.crystals import Made
from tests.peers.server_process import running, serve_on_leash

PATH = "/optimade"  # where OQMD has it; COD has /cod/optimade
LARGEST_PAGE = 1000
# Their names after `_oqmd_`; the data holds them without the prefix, or they are served as null.
FIELDS = {"delta_e": "eV/atom", "stability": "eV/atom", "band_gap": "eV", "volume": "angstrom^3"}
# Any date; written otherwise, a filter on it matches nothing and says so nowhere.
LAST_MODIFIED = {"$date": "2026-01-02T03:04:05Z"}


@contextmanager
def optimade_serving(crystals: Iterable[Made], prefix: str = "oqmd", **settings: Any) -> Iterator[str]:
    """Serve the crystals while the block lasts; gives the host's URL, below which OPTIMADE lives at `/optimade`.

    settings: of the server's configuration (`page_limit_max`, `request_delay`). No licence: the server would ask
    spdx.org about it, and does not start without the answer.
    """
    with tempfile.TemporaryDirectory(prefix="optimade-") as name:
        folder = Path(name)
        lines = [{"x-optimade": {"meta": {"api_version": "1.2.0"}}}, *map(structure, crystals)]
        (folder / "structures.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        fields = [{"name": n, "type": "float", "unit": u, "description": n} for n, u in FIELDS.items()]
        told = {
            "insert_test_data": False,  # it would ask providers.optimade.org
            "insert_from_jsonl": str(folder / "structures.jsonl"),
            "provider": {"name": "loopback", "description": "made by tests", "prefix": prefix, "homepage": None},
            "provider_fields": {"structures": fields},
            "page_limit_max": LARGEST_PAGE,
            "log_dir": name,
            **settings,
        }
        (folder / "config.json").write_text(json.dumps(told))
        environment = {"OPTIMADE_CONFIG_FILE": str(folder / "config.json")}
        with running("tests.peers.optimade_server", folder, f"{PATH}/structures?page_limit=1", environment) as base:
            yield base


def structure(made: Made) -> dict[str, Any]:
    """One entry of OPTIMADE's JSON lines."""
    crystal, values = made.crystal, made.values
    counts = dict(sorted(crystal.counts.items()))
    units = gcd(*counts.values())
    formula = "".join(f"{symbol}{_amount(n // units)}" for symbol, n in counts.items())
    amounts = sorted((n // units for n in counts.values()), reverse=True)
    attributes = {
        "elements": list(counts),
        "nelements": len(counts),
        "elements_ratios": [n / len(crystal) for n in counts.values()],
        "chemical_formula_reduced": formula,
        "chemical_formula_descriptive": formula,
        "chemical_formula_anonymous": "".join(f"{'ABCDEFGH'[i]}{_amount(n)}" for i, n in enumerate(amounts)),
        "dimension_types": [1, 1, 1],
        "nperiodic_dimensions": 3,
        "lattice_vectors": crystal.lattice.tolist(),
        "cartesian_site_positions": (crystal.positions @ crystal.lattice).tolist(),
        "nsites": len(crystal),
        "species_at_sites": [SYMBOLS[z] for z in crystal.numbers],
        "species": [{"name": symbol, "chemical_symbols": [symbol], "concentration": [1.0]} for symbol in counts],
        "structure_features": [],
        "last_modified": LAST_MODIFIED,
        "delta_e": values.get("formation_energy_per_atom"),
        "stability": values.get("energy_above_hull"),
        "band_gap": values.get("band_gap"),
        "volume": crystal.volume,
    }
    return {"id": source_id(made), "type": "structures", "attributes": attributes, "relationships": {}}


def source_id(made: Made) -> str:
    """The id under which the server tells a crystal."""
    return str(4_000_000 + made.number)


def _amount(n: int) -> str:
    return str(n) if n > 1 else ""


def build(folder: Path) -> object:
    """The server's application, as its makers ship it, below `/optimade`."""
    from optimade.server.config import ServerConfig
    from optimade.server.create_app import create_app
    from starlette.applications import Starlette
    from starlette.routing import Mount

    os.chdir(folder)  # whatever it writes stays here
    return Starlette(routes=[Mount(PATH, app=create_app(ServerConfig()))])


if __name__ == "__main__":
    serve_on_leash(build)
