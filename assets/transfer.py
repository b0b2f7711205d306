"""Transfer: which properties gain from being learnt together, and which lose."""

import dagster as dg
import polars as pl

from assets.conventions import shown_as
from assets.described import contract, described
from lake.store import Lake
from lake.tables import RUNS, TRANSFER


@dg.asset(
    **shown_as(TRANSFER, ("models.transfer",), group="analysis"),
    check_specs=[contract(TRANSFER)],
    deps=["baselines", "joint_model"],
)
def transfer(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Gain of the joint model over the single ones, per property and seed; negative is negative transfer."""
    from models.transfer import gains

    found = gains(lake.read(RUNS))
    lake.replace(TRANSFER, found)
    means = found.group_by("property", maintain_order=True).agg(pl.col("gain").mean()).iter_rows()
    return described(lake, TRANSFER, **{f"gain of {name}": gain for name, gain in means})
