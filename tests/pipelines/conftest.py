"""What the tests of pipelines start from."""

import dagster as dg
import pytest


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance
