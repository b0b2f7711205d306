"""How tests run: the long ones first, so that no core waits for them at the end; no example is judged by its time.

Where a change is judged (CI is set) hypothesis draws the same examples each time; everywhere else, new ones.
What processes share about databases is a folder of this run: no circuit of an earlier one is met.
"""

import os

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.register_profile("judged", deadline=None, derandomize=True)
settings.load_profile("judged" if os.environ.get("CI") else "untimed")


@pytest.fixture(scope="session", autouse=True)
def politeness(tmp_path_factory):
    os.environ["CRYSTAL_LAKE_POLITENESS"] = str(tmp_path_factory.mktemp("politeness"))


LONG_FIRST = ("test_walk", "_peer", "test_sample_crystals", "test_kill", "test_ui")


def pytest_collection_modifyitems(items):
    """Stable: inside a file, tests keep their order."""

    def place(item):
        names = [place for place, name in enumerate(LONG_FIRST) if name in item.nodeid]
        return names[0] if names else len(LONG_FIRST)

    items.sort(key=place)
