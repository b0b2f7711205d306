"""What the tests of assets start from: the definitions, and a lake crawled once and copied for each test."""

import shutil

import dagster as dg
import pytest

from pipelines.definitions import build
from tests import told_lake


@pytest.fixture(scope="session")
def definitions(tmp_path_factory) -> dg.Definitions:
    return build(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="session")
def graph(definitions):
    return definitions.resolve_asset_graph()


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="session")
def crawled_once(tmp_path_factory):
    root = tmp_path_factory.mktemp("crawled")
    with dg.DagsterInstance.ephemeral() as instance:
        assert all(told_lake.crawl(root, instance, "mp", "aflow", "oqmd", "cod").values())
        assert told_lake.run(root, "build", instance, only=told_lake.IDENTITY).success
    return root


@pytest.fixture
def root(crawled_once, tmp_path):
    return shutil.copytree(crawled_once, tmp_path / "lake")
