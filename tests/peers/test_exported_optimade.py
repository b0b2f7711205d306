"""An export as OPTIMADE lines, loaded by the reference server with the settings that stand beside it."""

import json

import pytest
import requests

from lake.export import export
from lake.matrix import write_matrix
from lake.store import Lake
from lake.tables import ENTRIES, MATERIALS, OBSERVATIONS
from tests.lake.small_lake import entry, rock_salt, zincblende
from tests.observed import observation
from tests.peers.conftest import EXTRA

CRYSTALS = {"mp:1": rock_salt("Na", "Cl", 5.64), "mp:2": zincblende("Zn", "S", 5.41)}
PATH = "/optimade/v1/structures"


def lake_of_two(root):
    """Two materials, of which one has a gap."""
    lake = Lake(root)
    lake.replace(ENTRIES, ENTRIES.frame([entry(name, told) for name, told in CRYSTALS.items()]))
    lake.replace(MATERIALS, MATERIALS.frame([
        {
            "material_id": f"m-{number}", "reduced_formula": told.reduced_formula, "shard": "00", "kind": "bulk",
            "representative": name, "members": [name], "sources": ["mp"], "n_sources": 1, "space_group": None,
            "space_group_number": None, "n_atoms": len(told), "bucket": "b",
        }
        for number, (name, told) in enumerate(CRYSTALS.items())
    ]))  # fmt: skip
    lake.replace(OBSERVATIONS, OBSERVATIONS.frame([observation("mp:1", "band_gap", 5.0)]))
    write_matrix(lake)
    return lake


def test_the_reference_server_serves_what_was_exported(tmp_path, subtests):
    for package in ("optimade.server.config", "mongomock"):
        pytest.importorskip(package, reason=EXTRA)
    from tests.peers.server_process import running

    out = tmp_path / "out"
    export(lake_of_two(tmp_path / "lake"), out, "matrix", "optimade")
    settings = {"OPTIMADE_CONFIG_FILE": str(out / "optimade_server.json"), "OPTIMADE_LOG_DIR": str(tmp_path)}
    with running("tests.peers.optimade_server", out, f"{PATH}?page_limit=1", settings) as base:
        every = requests.get(base + PATH, timeout=60).json()
        some = requests.get(f"{base}{PATH}?filter=_crystal_lake_band_gap>4", timeout=60).json()
        recent = requests.get(f'{base}{PATH}?filter=last_modified>"2020-01-01T00:00:00Z"', timeout=60).json()
    written = [json.loads(line) for line in (out / "matrix.jsonl").read_text().splitlines()[2:]]
    with subtests.test("every structure and value comes back"):
        served = {row["id"]: row["attributes"] for row in every["data"]}
        assert set(served) == {"m-0", "m-1"}
        for row in written:
            told = {name: value for name, value in row["attributes"].items() if name != "last_modified"}
            assert {name: served[row["id"]][name] for name in told} == told
    with subtests.test("a filter finds the lake's own values"):
        assert [row["id"] for row in some["data"]] == ["m-0"]
    with subtests.test("a filter finds dates"):
        assert len(recent["data"]) == 2
