"""Balance: how the losses of several tasks become one step. One method, one class, one name here."""

from importlib import import_module

BALANCES = {"equal": "models.balance.equal:Equal"}


def balance_named(name: str) -> type:
    """The class of that name, built from a Recipe and its network. KeyError lists the names there are."""
    if name not in BALANCES:
        raise KeyError(f"no balance is named {name!r}; there are: {', '.join(BALANCES)}")
    module, kind = BALANCES[name].split(":")
    return getattr(import_module(module), kind)
