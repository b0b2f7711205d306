"""Drawn: which of all labelled crystals a seed learns from, and how it splits them. No torch here.

Every seed draws anew. All properties follow one order of formulas, a lot of the seed's, and each has the first of them
that carry its label, up to a limit: so properties told of the same crystals share them, as they do in the lake. The
split is drawn by formula too, and is one for all properties: no source ever saw a target's test crystals.

The crystals that are held back are in no draw of the map. A draw that confirms is measured on them alone; it learns
from the others, in an order of its own seed, from as many labels as the map's runs had.

A property that spreads over decades is learnt as its logarithm, as `models/scale.py` does it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from lake.graphs.gathered import GatheredGraphs
from lake.graphs.shards import GraphStore
from models.scale import FLOOR
from models.transfer_map.problem import Problem

TRAIN, VALIDATION = 0.7, 0.8  # ends of their pieces of 0..1; the rest is test, large since few labels must tell a gain
OVERLAP = (1 - VALIDATION) / TRAIN  # test rows over training rows, of a split of the same crystals again and again


@dataclass(frozen=True, eq=False)
class Stock:
    """n crystals with labels of T properties, before any draw.

    names: T.  targets: (n, T) float64 in the properties' units, NaN where missing.  logs: (T,) whether the logarithm
    is learnt.  groups: (n,) reduced formulas.  held: (n,) whether a crystal waits for confirmation; a formula waits
    whole.  graphs, at: as in Problem.
    """

    names: tuple[str, ...]
    targets: np.ndarray
    logs: tuple[bool, ...]
    groups: np.ndarray
    held: np.ndarray
    graphs: GatheredGraphs | GraphStore
    at: np.ndarray

    def counts(self, held: bool = False) -> dict[str, int]:
        """Labels of each property among the crystals that are drawn from, or that wait for confirmation."""
        found = np.isfinite(self.targets[self.held == held]).sum(axis=0)
        return dict(zip(self.names, found.tolist(), strict=True))

    def reuse(self, most: int) -> dict[str, float]:
        """Share of each property's labels that a seed draws: how much the draws of two seeds have in common."""
        return {name: min(most / max(count, 1), 1.0) for name, count in self.counts().items()}


def drawn(stock: Stock, seed: int, most: int, confirming: bool = False) -> Problem:
    """What runs of this seed learn from. most: labels of a property, at most; when confirming, test crystals besides.

    Where two properties are limited alike, the labels of one crystal stay or go with its formula.
    """
    formulas, which = np.unique(stock.groups, return_inverse=True)
    lot = np.array([_lot(f"{seed}|{formula}") for formula in formulas])
    place = np.argsort(np.argsort(lot))[which]
    part = _parts(formulas, seed)[which]
    if confirming:
        part = np.where(stock.held, "test", "train")
        limits = {"train": int(most * TRAIN), "test": most}
        split = part
    else:
        limits, split = {"": most}, np.where(stock.held, "held", "")
    known = np.isfinite(stock.targets)
    kept = np.zeros_like(known)
    for task in range(len(stock.names)):
        for name, limit in limits.items():
            rows = np.flatnonzero(known[:, task] & (split == name))
            kept[_first(rows, place[rows], limit), task] = True
    rows = np.flatnonzero(kept.any(axis=1))
    targets = np.where(kept, stock.targets, np.nan)[rows]
    part = part[rows]
    learnt = _learnt(targets, stock.logs, part == "train")
    return Problem(stock.names, learnt, part, stock.graphs, stock.at[rows], stock.groups[rows])


def _parts(formulas: np.ndarray, seed: int) -> np.ndarray:
    """The part of the split of each formula, by lot."""
    lots = np.array([_lot(f"{seed}|split|{formula}") for formula in formulas])
    return np.select([lots < TRAIN, lots < VALIDATION], ["train", "validation"], "test")


def _lot(word: str) -> float:
    """A number of 0..1 that only the word decides."""
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "big") / 2**64


def _first(rows: np.ndarray, place: np.ndarray, limit: int) -> np.ndarray:
    """Those of the first formulas that make up at most so many rows; of one larger formula as many of its rows."""
    order = np.argsort(place, kind="stable")
    inside = order[:limit]
    if limit < len(order):  # the formula that the limit would cut is left out
        cut = place[order[limit]]
        whole = inside[place[inside] != cut]
        inside = whole if len(whole) else inside
    return rows[inside]


def _learnt(targets: np.ndarray, logs: tuple[bool, ...], train: np.ndarray) -> np.ndarray:
    """Labels as they are learnt: logarithms of them or of a floor, a share of the median of positive training ones."""
    out = targets.copy()
    for task in np.flatnonzero(logs):
        known = out[train, task]
        positive = known[known > 0]
        floor = FLOOR * float(np.median(positive)) if len(positive) else 1.0
        out[:, task] = np.log(np.maximum(out[:, task], floor))
    return out
