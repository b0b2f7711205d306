"""Every table of the lake, written once: columns, types, units, key, meaning.

The store, the checks, the Dagster UI, the SQL comments and the docs read it from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from lake.contract import Column, Table

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

CRAWLS = Table(
    "crawls", "bronze", "When each source was crawled: a row as a crawl opens, closes, and is published or held.",
    (
        SOURCE,
        Column("crawl", TEXT, "crawl id: UTC start time"),
        Column("state", TEXT, "opened; closed, or closed with rejects; then published, or held until accepted"),
        Column("scope", TEXT, "the part of the source that was asked for, empty for all of it"),
        Column("marker", TEXT, "what the source says changes when its content does", nullable=True),
        Column("note", TEXT, "why it is held, or who accepted it", nullable=True),
        Column("at", TIME, "when this happened"),
    ),
    key=("source", "crawl", "state"),
    partition_by="source",
)  # fmt: skip

PAGES = Table(
    "pages", "bronze", "The ledger of requests: what was asked, what came, whether the unit is done.",
    (
        SOURCE,
        Column("crawl", TEXT, "crawl id: UTC start time"),
        Column("page", TEXT, "the unit's key inside the crawl"),
        Column("partition", TEXT, "part of the source that the unit belongs to"),
        Column("route", TEXT, "route of the source that was asked, empty for the one with the crystals"),
        Column("request", TEXT, "the URL that was asked, without keys"),
        Column("state", TEXT, "ok, halved, poisoned or missing"),
        Column("sha256", TEXT, "SHA-256 of the answer's bytes", nullable=True),
        Column("expected", INT, "records the source promised", nullable=True),
        Column("got", INT, "records that came"),
        Column("total", INT, "records the source says the partition holds", nullable=True),
        Column("attempts", INT, "requests it took"),
        Column("following", TEXT, "the units this one led to, as JSON", nullable=True),
        Column("error", TEXT, "why it is not ok", nullable=True),
        Column("at", TIME, "when it was written down"),
    ),
    key=("source", "crawl", "page"),
    partition_by="source",
)  # fmt: skip

LISTINGS = Table(
    "listings", "bronze", "The ids that a source listed, page by page, in its open crawl and its last closed one.",
    (
        SOURCE,
        Column("crawl", TEXT, "crawl id: UTC start time"),
        Column("page", TEXT, "unit that listed them"),
        Column("partition", TEXT, "part of the source that the unit belongs to"),
        Column("route", TEXT, "route of the source, empty for the one with the crystals"),
        Column("source_ids", TEXTS, "the ids, in the order they came"),
    ),
    key=("source", "crawl", "page"),
    partition_by="source",
)  # fmt: skip

RECORDS = Table(
    "records", "bronze", "Every record verbatim as its database served it; new versions are added, never overwritten.",
    (
        SOURCE,
        Column("source_id", TEXT, "the record's id in its database"),
        Column("route", TEXT, "route of the source that told it, empty for the one with the crystals"),
        PAYLOAD,
        Column("crawl", TEXT, "crawl that brought this version"),
        Column("page", TEXT, "unit that brought it"),
        Column("stamp", TEXT, "date or revision that the source itself changes with the record, empty without one"),
        Column("gone", FLAG, "a tombstone: from this crawl on, the source no longer lists the record"),
        Column("media_type", TEXT, "application/json, chemical/x-cif+json, chemical/x-extxyz+json, ..."),
        Column("payload", TEXT, "the record itself"),
        Column("fetched_at", TIME, "when it came"),
    ),
    key=("source", "source_id", "route", "payload_sha256", "crawl"),
    partition_by="source",
    rows_per_group=4096,  # a CIF with its reflections has megabytes
)  # fmt: skip

DIFFERENCES = Table(
    "differences", "bronze", "What each crawl changed: counts of records, and each numeric field against before.",
    (
        SOURCE,
        Column("crawl", TEXT, "crawl id: UTC start time"),
        Column("field", TEXT, "numeric field as the source names it, `records` for the counts of records"),
        Column("added", INT, "records that are new, in the row `records`", nullable=True),
        Column("changed", INT, "records that have a new version, in the row `records`", nullable=True),
        Column("gone", INT, "records that the source no longer lists, in the row `records`", nullable=True),
        Column("n", INT, "values now"),
        Column("minimum", FLOAT, "smallest value now, in the source's unit", nullable=True),
        Column("maximum", FLOAT, "largest value now, in the source's unit", nullable=True),
        Column("mean", FLOAT, "mean now, in the source's unit", nullable=True),
        Column("deviation", FLOAT, "standard deviation now, in the source's unit", nullable=True),
        Column("n_before", INT, "values in the crawl published before", nullable=True),
        Column("minimum_before", FLOAT, "smallest value then", nullable=True),
        Column("maximum_before", FLOAT, "largest value then", nullable=True),
        Column("mean_before", FLOAT, "mean then", nullable=True),
        Column("deviation_before", FLOAT, "standard deviation then", nullable=True),
        Column("alarm", TEXT, "why this row holds the crawl back, null where it does not", nullable=True),
    ),
    key=("source", "crawl", "field"),
    partition_by="source",
)  # fmt: skip

LABELS = Table(
    "labels", "bronze", "The user's own values (in the demo: measured sample values), by entry and property.",
    (
        ENTRY_ID,
        Column("property", TEXT, "property name of the catalog"),
        Column("value", FLOAT, "value in `unit`"),
        Column("unit", TEXT, "unit as given"),
        Column("reference", TEXT, "where the value is from"),
        Column("licence", TEXT, "licence of the value"),
    ),
    key=("entry_id", "property", "reference"),
)  # fmt: skip

ENTRIES = Table(
    "entries", "silver", "Each record read as a crystal, with kind, level of theory, licence and link to its record.",
    (
        ENTRY_ID, SOURCE,
        Column("source_id", TEXT, "the record's id in its database"),
        Column("kind", TEXT, "bulk: an ordered crystal; disordered: with shared or partly empty sites; slab+adsorbate"),
        FORMULA, SHARD,
        Column("n_atoms", INT, "sites in the cell as this source writes it"),
        Column("volume", FLOAT, "volume of that cell", "angstrom**3"),
        Column("lattice", FLOATS, "cell vectors, row by row (9 numbers)", "angstrom"),
        Column("positions", FLOATS, "fractional coordinates, site by site (3 n numbers)"),
        Column("numbers", INTS, "atomic numbers (n); of a shared site the most abundant element's, else the lowest"),
        Column("species", TEXTS, "of a disordered crystal what is on each site (n): `Fe0.5Ni0.5`, `Li0.25`; else null",
               nullable=True),
        Column("structure_hash", TEXT, "content address of cell, positions and elements or species"),
        Column("year", INT, "year the structure was published, where its source says so", nullable=True),
        LEVEL,
        Column("licence", TEXT, "licence of the record"),
        PAYLOAD,
        Column("fetched_at", TIME, "when the record came"),
    ),
    key=("entry_id",),
    partition_by="source",
    rows_per_group=8192,  # sorted by shard, so that a reader of one shard passes over most groups
)  # fmt: skip

REJECTS = Table(
    "rejects", "silver", "What could not be used, why, and where its record is.",
    (
        Column("entry_id", TEXT, "source and id there, `mp:mp-149`"),
        Column("stage", TEXT, "the step that refused it: entries.mp, observations.band_gap, graphs"),
        SOURCE,
        Column("reason", TEXT, "rule, what was found, what to do"),
        Column("payload_sha256", TEXT, "SHA-256 of the record's payload", nullable=True),
    ),
    key=("entry_id", "stage"),
    partition_by="stage",
)  # fmt: skip

MATCHES = Table(
    "matches", "silver", "Every pair that was compared: what was measured, and whether it is the same crystal.",
    (
        Column("entry_a", TEXT, "the representative"),
        Column("entry_b", TEXT, "the entry compared with it"),
        FORMULA, SHARD,
        Column("structure_a", TEXT, "content address of a's structure"),
        Column("structure_b", TEXT, "content address of b's structure"),
        Column("fingerprint_distance", FLOAT, "largest difference of fingerprints; 1 is what is tolerated"),
        Column("volume_ratio", FLOAT, "volume per atom of b over a"),
        Column("scale", FLOAT, "uniform scaling in length from a to b; 0.01 is 1 % longer", nullable=True),
        Column("strain", FLOAT, "strain beside that scaling, either way from the middle; 0.01 is 1 %", nullable=True),
        Column("displacement", FLOAT, "how far the atom that moves most has to move", "angstrom", nullable=True),
        Column("rms", FLOAT, "root mean square of all atoms' displacements", "angstrom", nullable=True),
        Column("same", FLAG, "the verdict"),
        Column("decided_by", TEXT, "superposition where the same; else the tolerance that is exceeded"),
        Column("rule", TEXT, "version of the definition in docs/identity.md"),
        Column("method", TEXT, "versions of fingerprint and superposition"),
    ),
    key=("entry_a", "entry_b"),
    partition_by="shard",
)  # fmt: skip

MATERIALS = Table(
    "materials", "silver", "One row per distinct crystal, disordered ones apart from ordered ones.",
    (
        MATERIAL_ID, FORMULA, SHARD,
        Column("kind", TEXT, "bulk or disordered, as its entries are; no material holds both"),
        Column("representative", TEXT, "entry that stands for it"),
        Column("members", TEXTS, "all its entries"),
        Column("sources", TEXTS, "databases that tell it"),
        Column("n_sources", INT, "number of those databases"),
        Column("space_group", TEXT, "Hermann-Mauguin symbol of the representative (moyo, 0.01 A)", nullable=True),
        Column("space_group_number", INT, "its number, 1..230", nullable=True),
        Column("n_atoms", INT, "sites in the representative's cell"),
        Column("bucket", TEXT, "content address of all entries of its formula, and of the rule that clustered them"),
    ),
    key=("material_id",),
    partition_by="shard",
)  # fmt: skip

MATERIAL_IDS = Table(
    "material_ids", "silver", "Every material id that was ever given, and the material it finds today.",
    (
        MATERIAL_ID,
        ENTRY_ID,
        SHARD,
        Column("current", TEXT, "id of the material that holds this entry today; null while no crawl tells the entry",
               nullable=True),
        Column("first_given", TIME, "when a material was first called so"),
    ),
    key=("material_id",),
    partition_by="shard",
)  # fmt: skip

MATERIAL_CHANGES = Table(
    "material_changes", "silver", "What happened to materials: merged, split, renamed, gone; with ids old and new.",
    (
        Column("at", TIME, "when the change was found"),
        FORMULA, SHARD,
        Column("change", TEXT, "merged, split, renamed, gone, or regrouped where several old ones became several new"),
        Column("old_ids", TEXTS, "materials before"),
        Column("new_ids", TEXTS, "materials that hold their entries now"),
    ),
    key=("at", "old_ids"),
    partition_by="shard",
)  # fmt: skip

OBSERVATIONS = Table(
    "observations", "silver", "One value of one property of one entry, with everything that qualifies it.",
    (
        ENTRY_ID,
        Column("property", TEXT, "property name of the catalog"),
        Column("value", FLOAT, "value in `unit`"),
        Column("unit", TEXT, "the catalog's unit"),
        ORIGIN, LEVEL,
        Column("method", TEXT, "how it was computed or measured"),
        Column("correction", TEXT, "scheme of correction, or none"),
        SOURCE,
        Column("reference", TEXT, "where a user's own value is from", nullable=True),
        Column("original_value", FLOAT, "value as served"),
        Column("original_unit", TEXT, "unit as served"),
        Column("payload_sha256", TEXT, "SHA-256 of the record's payload, null for own labels", nullable=True),
    ),
    key=("entry_id", "property"),
    partition_by="property",
)  # fmt: skip

PROPERTY_MATRIX = Table(
    "property_matrix", "gold", "Wide and sparse: a row per ordered material, a column per property, for people, SQL.",
    (
        MATERIAL_ID, FORMULA,
        Column("n_sources", INT, "databases that tell the material"),
    ),
    key=("material_id",),
    open_ended=True,
)  # fmt: skip

MATRIX_PROVENANCE = Table(
    "matrix_provenance", "gold", "Which observation each cell of the matrix is.",
    (
        MATERIAL_ID,
        Column("property", TEXT, "property name of the catalog"),
        ENTRY_ID,
        Column("value", FLOAT, "the cell's value, in `unit`"),
        Column("unit", TEXT, "the catalog's unit"),
        ORIGIN, LEVEL, SOURCE,
        Column("n_observations", INT, "how many observations there were to choose from"),
    ),
    key=("material_id", "property"),
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

RUNS = Table(
    "runs", "models", "One row per trained model and property: recipe, seed, errors.",
    (
        Column("run", TEXT, "recipe slug, digest and seed"),
        Column("study", TEXT, "single or joint"),
        Column("property", TEXT, "property predicted"),
        Column("unit", TEXT, "unit of the errors"),
        Column("seed", INT, "random seed"),
        Column("recipe", TEXT, "the whole recipe, as JSON"),
        Column("n_train", INT, "labelled training rows"),
        Column("n_validation", INT, "labelled validation rows"),
        Column("n_test", INT, "labelled test rows"),
        Column("mae_validation", FLOAT, "mean absolute error on validation", nullable=True),
        Column("mae_test", FLOAT, "mean absolute error on test", nullable=True),
        Column("mae_mean_predictor", FLOAT, "test error of predicting the training mean", nullable=True),
        Column("epochs", INT, "epochs trained"),
        Column("seconds", FLOAT, "wall time of training", "second"),
        Column("checkpoint", TEXT, "safetensors file below models/"),
    ),
    key=("run", "property"),
    partition_by="study",
)  # fmt: skip

PREDICTIONS = Table(
    "predictions", "models", "What the models say, per entry and property.",
    (
        ENTRY_ID, MATERIAL_ID,
        Column("property", TEXT, "property predicted"),
        Column("value", FLOAT, "mean over the seeds"),
        Column("spread", FLOAT, "standard deviation over the seeds (not an error bar)"),
        Column("unit", TEXT, "the catalog's unit"),
        ORIGIN,
        Column("split", TEXT, "train, validation or test: where the material stands"),
        Column("label", FLOAT, "the observation on this very entry, where there is one", nullable=True),
        Column("study", TEXT, "the models that said it"),
    ),
    key=("entry_id", "property", "study"),
    partition_by="study",
)  # fmt: skip

TRANSFER = Table(
    "transfer", "models", "Gain of training together over training alone, per property and seed.",
    (
        Column("property", TEXT, "target property"),
        Column("partners", TEXTS, "properties trained together with it"),
        Column("seed", INT, "random seed, the same in both runs"),
        Column("mae_single", FLOAT, "test error alone"),
        Column("mae_joint", FLOAT, "test error together"),
        Column("gain", FLOAT, "(single - joint) / single; negative is negative transfer"),
    ),
    key=("property", "seed"),
)  # fmt: skip

CANDIDATES = Table(
    "candidates", "models", "Insulators by thermal conductivity, with element cost: a cheap material like diamond?",
    (
        Column("rank", INT, "1 is best"),
        MATERIAL_ID, FORMULA,
        Column("space_group", TEXT, "Hermann-Mauguin symbol", nullable=True),
        Column("thermal_conductivity", FLOAT, "the value it is ranked by: AGL's Debye model at 300 K", "W/m/K"),
        Column("thermal_conductivity_origin", TEXT, "computed (AGL), or predicted from AGL labels"),
        Column("thermal_conductivity_measured", FLOAT, "experiment at 300 K, where known", "W/m/K", nullable=True),
        Column("band_gap", FLOAT, "the gap that makes it an insulator", "eV"),
        Column("band_gap_origin", TEXT, "measured, computed or predicted"),
        Column("cost", FLOAT, "element cost (pymatgen's table, dated and cited there)", "USD/kg", nullable=True),
        Column("sources", TEXTS, "databases that tell it"),
    ),
    key=("material_id",),
)  # fmt: skip

TABLES: Mapping[str, Table] = MappingProxyType({
    table.name: table
    for table in (
        CRAWLS, PAGES, LISTINGS, RECORDS, DIFFERENCES, LABELS, ENTRIES, REJECTS, MATCHES, MATERIALS,
        MATERIAL_IDS, MATERIAL_CHANGES, OBSERVATIONS, PROPERTY_MATRIX, MATRIX_PROVENANCE, SPLITS, GRAPHS, RUNS,
        PREDICTIONS, TRANSFER, CANDIDATES,
    )
})  # fmt: skip
