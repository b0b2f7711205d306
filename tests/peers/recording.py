"""Answers of Materials Project's own server, kept for where it cannot run: `python -m tests.peers.recording`.

What belongs here: one question to each route, with the fields that a crawl keeps, for one element that has everything.
"""

from __future__ import annotations

import json
from pathlib import Path

import requests

from lake.settings import MIRROR_KEY
from lake.sources.materials_project.routes import ROUTES
from tests.peers.crystals import made_crystals
from tests.peers.materials_project_server import materials_project_serving

FILE = Path(__file__).parents[1] / "recorded" / "mp" / "emmet_routes.json"
NUMBER = 60  # an element on the hull: it alone has surfaces, phonons, a tensor of each kind and an equilibrium reaction


def main() -> None:
    """Write the answers, by the name of their route."""
    told = {}
    with materials_project_serving([made_crystals(NUMBER)[-1]]) as base:
        for route in ROUTES.values():
            question = {**route.always, "_fields": ",".join(route.fields)}
            headers = {"x-api-key": MIRROR_KEY}
            answer = requests.get(f"{base}/materials/{route.path}/", params=question, headers=headers)
            answer.raise_for_status()
            told[route.name] = answer.json()
            told[route.name]["meta"]["time_stamp"] = "2026-01-02T03:04:05"  # so that another recording is the same
    FILE.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
