"""Sharing: what tasks learnt together have in common. One method, one file, one class, one name here."""

from importlib import import_module

SHARINGS = {
    "single": "models.sharing.single:Single",
    "hard": "models.sharing.hard:Hard",
    "mmoe": "models.sharing.mmoe:MixtureOfExperts",
    "adashare": "models.sharing.adashare:AdaShare",
    "vmtl": "models.sharing.vmtl:VariationalMultiTask",
    "unit": "models.sharing.unit:UniT",
    "experts": "models.sharing.experts:Experts",
}


def sharing_named(name: str) -> type:
    """The class of that name, a `Scheme`: Batch -> (B, T, told). KeyError lists the names there are."""
    if name not in SHARINGS:
        raise KeyError(f"no sharing scheme is named {name!r}; there are: {', '.join(SHARINGS)}")
    module, kind = SHARINGS[name].split(":")
    return getattr(import_module(module), kind)
