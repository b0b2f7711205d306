"""Running: jobs in this process. Dagster keeps the runs in the root's own instance, where the UI shows them."""

from pathlib import Path
from uuid import uuid4

import dagster as dg

from pipelines.definitions import build
from pipelines.instance import instance_of
from pipelines.telling import Teller

MUTED = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}  # the Teller says it shorter


def run(
    root: Path,
    job: str,
    partition: str | None = None,
    only: list[str] | None = None,
    config: dict | None = None,
    **resources: object,
) -> list[str]:
    """Run a job of the lake below `root`, or the assets `only` of it; returns what went wrong, one line each.

    resources: instead of those that the definitions bring. config: of ops, as in Dagster's launchpad.
    """
    teller, run_id = Teller(f"{job} {partition or ''}".strip()), str(uuid4())
    with instance_of(root) as instance:
        instance.add_event_listener(run_id, teller.hear)
        whole = build(root, **resources).resolve_job_def(job)
        result = whole.execute_in_process(
            run_config=MUTED | (config or {}),
            instance=instance,
            partition_key=partition,
            asset_selection=[dg.AssetKey.from_user_string(key) for key in only] if only else None,
            raise_on_error=False,
            run_id=run_id,
        )
    return teller.errors if result.success or teller.errors else [f"{job} failed: `crystal-lake ui` shows where"]
