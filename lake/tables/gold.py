"""Gold: what people open: the matrix, where its cells come from, and what follows from it."""

from __future__ import annotations

from lake.contract import Column, Table
from lake.tables.columns import (
    ENTRY_ID,
    FLOAT,
    FORMULA,
    INT,
    LEVEL,
    MATERIAL_ID,
    ORIGIN,
    POLICY,
    PROPERTY,
    SOURCE,
    TEXT,
)

PROPERTY_MATRIX = Table(
    "property_matrix", "gold", "Wide and sparse: a row per ordered material, a column per quantity, for people, SQL.",
    (
        POLICY, MATERIAL_ID, FORMULA,
        Column("n_sources", INT, "databases that tell the material"),
    ),
    key=("policy", "material_id"),
    partition_by="policy",
    open_ended=True,
)  # fmt: skip

MATRIX_PROVENANCE = Table(
    "matrix_provenance", "gold", "Which observation each cell of the matrix is, and how it was chosen.",
    (
        POLICY, MATERIAL_ID,
        Column("column", TEXT, "column of the matrix"),
        PROPERTY, ENTRY_ID,
        Column("reading", TEXT, "the observation's reading: with entry and property it names the observation"),
        Column("value", FLOAT, "the cell's value, in `unit`; of a refused cell that of the observation that would "
               "have come first"),
        Column("unit", TEXT, "the catalog's unit"),
        Column("flag", TEXT, "the observation's flag, where the policy admits flagged ones", nullable=True),
        ORIGIN, LEVEL,
        Column("correction", TEXT, "scheme of correction with its version, or none"),
        SOURCE,
        Column("chosen", TEXT, "only: there was no other; preferred, median, or refused: the cell is empty, because "
               "the observations differ"),
        Column("n_observations", INT, "how many observations the policy admits here"),
        Column("lowest", FLOAT, "smallest of them, in `unit`"),
        Column("highest", FLOAT, "largest of them, in `unit`"),
    ),
    key=("policy", "column", "material_id"),  # the order of the rows
    partition_by="policy",
)  # fmt: skip

COMPOSITIONS = Table(
    "compositions", "gold", "What follows from a formula alone: price, abundance, who supplies it, what is hazardous.",
    (
        FORMULA,
        Column("cost_per_kg", FLOAT, "price of the elements by mass, dated 2013 to 2020", "USD/kg", nullable=True),
        Column("cost_per_formula_unit", FLOAT, "price of the elements in one mole of formula units", "USD/mol",
               nullable=True),
        Column("abundance", FLOAT, "mass fraction in the continental crust of its scarcest element, parts per million",
               "ppm", nullable=True),
        Column("scarcest_element", TEXT, "the element that `abundance` is of", nullable=True),
        Column("hhi_production", FLOAT, "Herfindahl-Hirschman index of production, weighted by mass; 0 to 10,000, "
               "above 2,500 is concentrated", nullable=True),
        Column("hhi_reserve", FLOAT, "the same of reserves", nullable=True),
        Column("hazard", TEXT, "notes on hazardous elements, null where none is noted", nullable=True),
    ),
    key=("reduced_formula",),
)  # fmt: skip

SOURCE_A = Column("source_a", TEXT, "one database; `labels` are the user's own values")
SOURCE_B = Column("source_b", TEXT, "another, or the same where two of its readings are compared")
READING_A = Column(
    "reading_a", TEXT, "its reading, where one database tells the property twice of one entry; else empty"
)
READING_B = Column("reading_b", TEXT, "the other reading, likewise")

DISAGREEMENT = Table(
    "disagreement", "gold", "How far two databases are apart where both give one property of one material.",
    (
        PROPERTY, SOURCE_A, SOURCE_B, READING_A, READING_B,
        Column("unit", TEXT, "the catalog's unit"),
        Column("n", INT, "materials that both tell, flagged values left out; of two readings, entries"),
        Column("flagged", INT, "materials left out because all that one of them tells is flagged"),
        Column("one_zero", INT, "of n, those where one value counts as zero and the other does not"),
        Column("n_relative", INT, "of n, those where neither value counts as zero"),
        Column("median_difference", FLOAT, "median of the absolute difference, in `unit`", nullable=True),
        Column("p90_difference", FLOAT, "90th percentile of the absolute difference, in `unit`", nullable=True),
        Column("bias", FLOAT, "median of b minus a, in `unit`", nullable=True),
        Column("median_relative_difference", FLOAT, "median, over n_relative, of the absolute difference over the mean "
               "of both magnitudes", nullable=True),
        Column("correlation", FLOAT, "Pearson's, null below three materials or without spread", nullable=True),
        Column("rank_correlation", FLOAT, "Spearman's, likewise", nullable=True),
        Column("levels", TEXT, "the levels of theory and corrections that meet, most frequent first"),
        Column("published", FLOAT, "published median relative difference of AFLOW, Materials Project and OQMD "
               "(Hegde et al. 2023)", nullable=True),
    ),
    key=("property", "source_a", "source_b", "reading_a", "reading_b"),
)  # fmt: skip

WORST_DISAGREEMENTS = Table(
    "worst_disagreements", "gold", "The twenty materials on which two databases differ most, for each property.",
    (
        PROPERTY, SOURCE_A, SOURCE_B, READING_A, READING_B,
        Column("rank", INT, "1 is the largest difference: relative for properties over decades, else in `unit`"),
        MATERIAL_ID, FORMULA,
        Column("entry_a", TEXT, "entry of the one, of several the one nearest to their median"),
        Column("value_a", FLOAT, "its value, of several entries their median, in `unit`"),
        Column("link_a", TEXT, "its page in its database", nullable=True),
        Column("entry_b", TEXT, "entry of the other, likewise"),
        Column("value_b", FLOAT, "its value, likewise"),
        Column("link_b", TEXT, "its page in its database", nullable=True),
        Column("unit", TEXT, "the catalog's unit"),
        Column("difference", FLOAT, "absolute difference, in `unit`"),
        Column("relative_difference", FLOAT, "over the mean of both magnitudes"),
    ),
    key=("property", "source_a", "source_b", "reading_a", "reading_b", "rank"),
)  # fmt: skip

SPLITS = Table(
    "splits", "gold", "Train, validation, test, by several schemes; no duplicate is ever on both sides.",
    (
        MATERIAL_ID, FORMULA,
        Column("scheme", TEXT, "what may not cross: reduced_formula (the default), chemical_system, material; or time"),
        Column("split", TEXT, "train, validation or test"),
        Column("rule", TEXT, "name and version of the rule that drew it"),
    ),
    key=("material_id", "scheme"),
    partition_by="scheme",
)  # fmt: skip

GRAPHS = Table(
    "graphs", "gold", "Where each crystal graph lies in the memory-mapped shards.",
    (
        Column("structure_hash", TEXT, "content address of the structure"),
        Column("shard", TEXT, "shard folder below graphs/"),
        Column("row", INT, "graph number inside the shard"),
        Column("n_atoms", INT, "atoms of the graph"),
        Column("version", TEXT, "k, cutoff and featuriser version"),
    ),
    key=("structure_hash", "version"),
)  # fmt: skip
