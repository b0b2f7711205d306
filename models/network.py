"""Network: what a Recipe names, assembled; and its answers for many crystals."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import nn

from lake.graphs.arrays import Graphs
from lake.graphs.gathered import GatheredGraphs
from lake.graphs.shards import GraphStore
from models.batch import Batch, in_order
from models.each import Each
from models.recipe import Recipe
from models.sharing import sharing_named

CRYSTALS = 32  # per batch where nothing is learnt: what stays in a core's cache takes half the time of 256


def network(recipe: Recipe) -> nn.Module:
    """A new network with the recipe's seed: Batch -> (B, T, told), the standardised values first."""
    return sharing_named(recipe.sharing)(recipe)


def trained(recipe: Recipe) -> nn.Module:
    """The network that a finished run of this recipe leaves, to be filled with its weights."""
    return Each(recipe) if recipe.criterion == "each" else network(recipe)


def device() -> str:
    """`cuda` where torch finds one, else `cpu`."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def precision(where: torch.device) -> AbstractContextManager:
    """On CUDA products in bfloat16, weights and losses in float32; elsewhere float32 throughout."""
    return torch.autocast("cuda", torch.bfloat16) if where.type == "cuda" else nullcontext()


def batch_of(graphs: GraphStore | GatheredGraphs | Graphs, rows: np.ndarray, where: torch.device) -> Batch:
    """These graphs as a batch that says where it comes from."""
    return Batch.of(graphs.batch(rows), where, (graphs, rows))


@torch.no_grad()
def outputs(net: nn.Module, graphs: GraphStore | GatheredGraphs | Graphs, rows: np.ndarray) -> np.ndarray:
    """(n, T, told) float32 of these graphs, in this order, standardised; the network is left in evaluation mode."""
    net.eval()
    where = next(net.parameters()).device
    with precision(where):
        told = [net(batch_of(graphs, rows[part], where)) for part in in_order(len(rows), CRYSTALS)]
    parts = [part.float().cpu().numpy() for part in told]
    return np.concatenate(parts) if parts else np.empty((0, 0, 1), dtype=np.float32)


@torch.no_grad()
def vectors(net: nn.Module, graphs: GraphStore | GatheredGraphs | Graphs, rows: np.ndarray) -> np.ndarray:
    """(n, V) float32: the network's vectors of these graphs; the network is left in evaluation mode."""
    net.eval()
    where = next(net.parameters()).device
    parts = [told_of(net, batch_of(graphs, rows[part], where))[1] for part in in_order(len(rows), CRYSTALS)]
    return np.concatenate(parts) if parts else np.empty((0, 1), dtype=np.float32)


@torch.no_grad()
def told_of(net: nn.Module, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """(B, T, told) and the crystals' vectors (B, V), float32, in one pass of a network in evaluation mode."""
    told, seen = net.heard(batch)
    return told.float().cpu().numpy(), seen.float().cpu().numpy()
