"""The Materials Project as it is configured: by REST, or from its public Delta tables."""

from __future__ import annotations

from lake.settings import Settings
from lake.sources.materials_project.collection import MaterialsProjectCollection
from lake.sources.materials_project.rest import MaterialsProject


def source(settings: Settings) -> MaterialsProject:
    """By REST, or from the tables where `mp_collection` says where they are."""
    return (MaterialsProjectCollection if settings.mp_collection else MaterialsProject)(settings)
