"""Balance: how the losses of several tasks become one step. One method, one class, one name here.

By losses, one backward pass: uw, dwa, famo. By gradients, one backward pass of the shared weights for each task that is
present: imtl_g, pcgrad, cagrad, nash_mtl, upgrad, mgda. The arithmetic is torchjd's; what is remembered is ours.
"""

from importlib import import_module

BALANCES = {
    "equal": "models.balance.equal:Equal",
    "uw": "models.balance.uw:UncertaintyWeighting",
    "dwa": "models.balance.dwa:DynamicWeightAverage",
    "famo": "models.balance.famo:FAMO",
    "imtl_g": "models.balance.imtl_g:IMTLG",
    "pcgrad": "models.balance.pcgrad:PCGrad",
    "cagrad": "models.balance.cagrad:CAGrad",
    "nash_mtl": "models.balance.nash_mtl:NashMTL",
    "upgrad": "models.balance.upgrad:UPGrad",
    "mgda": "models.balance.mgda:MGDA",
}


def balance_named(name: str) -> type:
    """The class of that name, built from a Recipe and its network. KeyError lists the names there are."""
    if name not in BALANCES:
        raise KeyError(f"no balance is named {name!r}; there are: {', '.join(BALANCES)}")
    module, kind = BALANCES[name].split(":")
    return getattr(import_module(module), kind)
