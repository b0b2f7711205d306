"""Instance: Dagster's own memory of a lake, in `dagster/` below its root. Telemetry is off."""

from pathlib import Path

import dagster as dg
import yaml

FILE = "dagster.yaml"
# One run per source at a time: two crawls of one source would fetch everything twice.
CONFIG = {
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},
    "concurrency": {
        "runs": {
            "max_concurrent_runs": 6,
            "tag_concurrency_limits": [
                {"key": "dagster/partition", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
            ],
        }
    },
}


def home(root: Path) -> Path:
    """The folder that is DAGSTER_HOME, with its configuration written; one that stands there is kept."""
    folder = Path(root) / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / FILE).exists():
        (folder / FILE).write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    return folder


def instance_of(root: Path) -> dg.DagsterInstance:
    """The instance that the UI of this root shows too."""
    return dg.DagsterInstance.from_config(str(home(root)), FILE)
