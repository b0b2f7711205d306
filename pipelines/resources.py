"""Resources: what the assets are handed. The lake, the settings of the six sources, and the books of training."""

import dagster as dg

from lake.settings import Settings
from lake.store import Lake
from pipelines.sample import not_mixed


class LakeResource(dg.ConfigurableResource[Lake]):
    """The lake below one root folder."""

    root: str

    def create_resource(self, context: dg.InitResourceContext) -> Lake:
        """The plain class from the ground floor: an asset is a plain call in a test."""
        return Lake(self.root)


class SettingsResource(dg.ConfigurableResource[Settings]):
    """Where the sources are: read from the environment as a run starts, so that no key is stored with a run."""

    root: str

    def create_resource(self, context: dg.InitResourceContext) -> Settings:
        """The environment's settings, refused where they would pour crawled values into a lake of sample values."""
        return not_mixed(self.root, Settings(root=self.root))
