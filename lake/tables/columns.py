"""What several tables share: polars types by short names, and columns that mean the same wherever they stand."""

from __future__ import annotations

import polars as pl

from lake.contract import Column

TEXT, FLOAT, INT, FLAG = pl.String, pl.Float64, pl.Int64, pl.Boolean
TIME = pl.Datetime("us", "UTC")
TEXTS, FLOATS, INTS = pl.List(pl.String), pl.List(pl.Float64), pl.List(pl.Int64)

SOURCE = Column("source", TEXT, "slug: mp, aflow, ocp, cod, pcod, oqmd; folder for files of your own")
ENTRY_ID = Column("entry_id", TEXT, "source and id there, `mp:mp-149`")
MATERIAL_ID = Column("material_id", TEXT, "one distinct crystal, across all sources")
FORMULA = Column("reduced_formula", TEXT, "reduced formula, electropositive element first")
SHARD = Column("shard", TEXT, "the shard of the formula: formulas of one shard are compared in one go")
PAYLOAD = Column("payload_sha256", TEXT, "SHA-256 of the record's payload, links to bronze records")
LEVEL = Column("level_of_theory", TEXT, "functional and +U, or `experiment`, as the source states it for this row")
ORIGIN = Column("origin", TEXT, "measured, computed or predicted: never mixed")
PROPERTY = Column("property", TEXT, "property name of the catalog")
POLICY = Column("policy", TEXT, "the policy that chose the cells; `default` is what the view property_matrix shows")
TEMPERATURE = Column("temperature", FLOAT, "what the value is for, where known", "kelvin", nullable=True)
PRESSURE = Column("pressure", FLOAT, "what the value is for, where known", "GPa", nullable=True)
LICENCE = Column("licence", TEXT, "licence of the value")
INHERITED = Column("licences", TEXTS, "licences of all rows that it was made from: the strictest holds")
