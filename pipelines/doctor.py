"""The doctor: is this machine ready, and what is missing? Asks nothing of the network unless told to."""

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from lake.settings import Settings
from lake.sources import NAMES, source_named
from pipelines.sample import is_sample

PACKAGES = ("dagster", "deltalake", "polars", "duckdb", "pymatgen", "moyopy", "gemmi", "torch", "mlflow", "mp_api")
DISK = 2.0  # GB free; the demo takes a tenth of it, six crawled databases a hundred times


class Finding(NamedTuple):
    """One thing looked at. fatal: whether nothing works without it."""

    fine: bool
    what: str
    fatal: bool = True


def examine(root: Path, reach: bool = False) -> Iterator[Finding]:
    """Python, packages, root, disk, key; with `reach` also whether each database answers."""
    settings = Settings(root=root)
    yield Finding(sys.version_info[:2] == (3, 11), f"Python 3.11 (found {sys.version.split()[0]})")
    missing = [name for name in PACKAGES if find_spec(name) is None]
    yield Finding(not missing, f"packages ({'missing: ' + ', '.join(missing) if missing else 'all here'})")
    standing = next(folder for folder in (root, *root.parents) if folder.exists())
    yield Finding(os.access(standing, os.W_OK), f"{root} can be written")
    free = shutil.disk_usage(standing).free / 1e9
    yield Finding(free > DISK, f"{free:.0f} GB free for it", fatal=False)
    kind = "sample values" if is_sample(root) else "a lake" if (root / "bronze").is_dir() else "no lake yet"
    yield Finding(True, f"{root} holds {kind}")
    yield Finding(
        settings.mp_key is not None,
        "MP_API_KEY, for Materials Project (next-gen.materialsproject.org/api)",
        fatal=False,
    )
    for name in NAMES if reach else ():
        yield _reached(settings.url(name), settings.user_agent)
    if reach:
        answers = source_named("aflow", settings.model_copy(update={"timeout": 10.0})).optimade_answers()
        yield Finding(
            answers, f"AFLOW's OPTIMADE {'answers' if answers else 'is broken'}; no crawl needs it", fatal=False
        )


def _reached(url: str, agent: str) -> Finding:
    import requests

    try:
        status = requests.get(url, timeout=10, stream=True, headers={"User-Agent": agent}).status_code
        return Finding(status < 500, f"{url} answers {status}", fatal=False)
    except requests.RequestException as error:
        return Finding(False, f"{url} does not answer ({type(error).__name__})", fatal=False)
