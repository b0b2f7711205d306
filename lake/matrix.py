"""Observations -> the matrix: which observation fills a cell, by a written rule.

The rule: the level of theory that the property's `levels` name first; then the source that `SOURCES` names first; then
the smallest entry_id. One observation is taken as it is, never a mean over different methods, and `matrix_provenance`
names it. The matrix is for people and SQL; learning reads observations. Disordered materials have no row: their values
are observations, which nobody is to average or rank with those of ordered crystals.
"""

from __future__ import annotations

import polars as pl

from lake.entries import DISORDERED
from lake.properties import PROPERTIES
from lake.properties.definition import Property
from lake.store import Lake
from lake.tables import MATERIALS, MATRIX_PROVENANCE, OBSERVATIONS, PROPERTY_MATRIX

DEFAULT = "default"  # the policy that the view property_matrix shows
SOURCES = ("labels", "folder", "mp", "aflow", "oqmd", "cod", "pcod", "ocp")  # what a user brings was brought on purpose


def write_matrix(lake: Lake) -> dict[str, int]:
    """Rewrite PROPERTY_MATRIX and MATRIX_PROVENANCE from observations and materials; returns their sizes.

    Every ordered material has a row; every property of the catalog with an observation has a column, in the catalog's
    order.
    """
    materials = lake.read(MATERIALS).filter(pl.col("kind") != DISORDERED)
    observations = lake.read(OBSERVATIONS)
    provenance = cells(materials, observations)
    observed = set(observations["property"].unique())
    properties = [name for name in PROPERTIES if name in observed]
    lake.replace(MATRIX_PROVENANCE, provenance)
    lake.replace(PROPERTY_MATRIX, _wide(materials, provenance, properties))
    return {"materials": len(materials), "properties": len(properties), "cells": len(provenance)}


def cells(materials: pl.DataFrame, observations: pl.DataFrame) -> pl.DataFrame:
    """The chosen observation of each material and property: a frame of MATRIX_PROVENANCE."""
    members = materials.select("material_id", entry_id="members").explode("entry_id")
    chosen = (
        observations.filter(pl.col("flag").is_null())
        .join(_level_ranks(observations), on=["property", "level_of_theory"])
        .join(members, on="entry_id")
        .with_columns(source_rank=_place("source", SOURCES))
        .sort("material_id", "property", "level_rank", "source_rank", "entry_id", "reading")
        .group_by("material_id", "property", maintain_order=True)
        .agg(
            pl.all().first(),
            n_observations=pl.len().cast(pl.Int64),
            lowest=pl.col("value").min(),
            highest=pl.col("value").max(),
        )
        .with_columns(
            policy=pl.lit(DEFAULT),
            column="property",
            chosen=pl.when(pl.col("n_observations") == 1).then(pl.lit("only")).otherwise(pl.lit("preferred")),
        )
    )
    return MATRIX_PROVENANCE.checked(chosen.select(MATRIX_PROVENANCE.schema.names()))


def level_rank(kind: Property, level: str) -> int | None:
    """Place of a level of theory in the property's order, 0 is best; None where it may not fill the matrix."""
    named = level if level in kind.levels else "*"
    return kind.levels.index(named) if named in kind.levels else None


def _level_ranks(observations: pl.DataFrame) -> pl.DataFrame:
    """property, level_of_theory, level_rank, of every pair that may fill the matrix."""
    pairs = observations.select("property", "level_of_theory").unique().rows()
    ranks = [(name, level, level_rank(PROPERTIES[name], level)) for name, level in pairs if name in PROPERTIES]
    schema = {"property": pl.String, "level_of_theory": pl.String, "level_rank": pl.Int64}
    return pl.DataFrame(ranks, schema=schema, orient="row").drop_nulls()


def _place(column: str, order: tuple[str, ...]) -> pl.Expr:
    return pl.col(column).replace_strict({name: n for n, name in enumerate(order)}, default=len(order))


def _wide(materials: pl.DataFrame, provenance: pl.DataFrame, properties: list[str]) -> pl.DataFrame:
    """One row per material, sorted, one column per property; null where nobody says anything."""
    wide = materials.select(pl.lit(DEFAULT).alias("policy"), "material_id", "reduced_formula", "n_sources").sort(
        "material_id"
    )
    for name in properties:
        column = provenance.filter(pl.col("property") == name).select("material_id", pl.col("value").alias(name))
        wide = wide.join(column, on="material_id", how="left", maintain_order="left")
    return wide
