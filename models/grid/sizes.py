"""Sizes: the networks of the grid, the recipe of each, and the sizes that the mission's own grid found best."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from types import MappingProxyType
from typing import NamedTuple

from models.recipe import Recipe

GNN_LAYERS, DECODER_LAYERS, WIDTHS = (1, 2, 4, 8), (1, 2, 3, 4, 5), (64, 128)


class Size(NamedTuple):
    """One network: graph convolutions, layers of the decoder, hidden units of both."""

    gnn_layers: int
    decoder_layers: int
    width: int

    def __str__(self) -> str:
        return "/".join(map(str, self))


SIZES = tuple(Size(*size) for size in product(GNN_LAYERS, DECODER_LAYERS, WIDTHS))


class Found(NamedTuple):
    """A best size of the preliminary grid, and the property as its table calls it."""

    called: str
    size: Size


# The mission's table. Its elasticity is learnt here as the bulk modulus, its dielectric properties as the static
# dielectric constant, its magnetization per atom. Its errors, budget and data are not known: sizes can be compared.
FOUND_BEFORE: Mapping[str, Found] = MappingProxyType({
    "band_gap": Found("band gap", Size(4, 1, 128)),
    "bulk_modulus": Found("elasticity", Size(2, 4, 64)),
    "static_dielectric_constant": Found("dielectric properties", Size(1, 1, 64)),
    "magnetization_per_atom": Found("magnetization", Size(4, 5, 64)),
})  # fmt: skip

# Fields of Recipe by budget, the same for every size: no size is tuned by itself. real: hours on four cores. sample: so
# that the sample lake can walk the line; it says nothing of sizes.
BUDGETS: Mapping[str, Mapping[str, object]] = MappingProxyType({
    "real": {"epochs": 30, "limit": 3000, "batch_size": 64, "learning_rate": 3e-3, "loss": "l1"},
    "sample": {"epochs": 3, "limit": 64, "batch_size": 16, "learning_rate": 5e-3, "loss": "huber"},
})  # fmt: skip
# Most magnetizations are zero: under L1 a network may stay at that median.
LOSSES: Mapping[str, str] = MappingProxyType({"magnetization_per_atom": "huber"})


def recipe(name: str, size: Size, seed: int, budget: str) -> Recipe:
    """The run of this property, size and seed. budget: a name in BUDGETS."""
    told = {**BUDGETS[budget], **({"loss": LOSSES[name]} if name in LOSSES else {})}
    return Recipe((name,), seed=seed, **size._asdict(), **told)


def size_of(run: Recipe) -> Size:
    """The size of a run's network."""
    return Size(run.gnn_layers, run.decoder_layers, run.width)
