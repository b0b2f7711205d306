"""Encoders: from a batch of crystal graphs to one vector per crystal. One file, one class, one name here."""

from importlib import import_module

ENCODERS = {"cgcnn": "models.encoders.cgcnn:CGCNN", "matformer": "models.encoders.matformer:Matformer"}


def encoder_named(name: str) -> type:
    """The class of that name (width, layers): Batch -> (B, width). KeyError lists the names there are."""
    if name not in ENCODERS:
        raise KeyError(f"no encoder is named {name!r}; there are: {', '.join(ENCODERS)}")
    module, kind = ENCODERS[name].split(":")
    return getattr(import_module(module), kind)
