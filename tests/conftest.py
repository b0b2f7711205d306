"""The order of tests: the long ones first, so that no core waits for them at the end."""

LONG_FIRST = ("test_walk", "test_sample_crystals", "test_kill", "test_ui")


def pytest_collection_modifyitems(items):
    """Stable: inside a file, tests keep their order."""

    def place(item):
        names = [place for place, name in enumerate(LONG_FIRST) if name in item.nodeid]
        return names[0] if names else len(LONG_FIRST)

    items.sort(key=place)
