"""Silver: records read as crystals and values, and which crystals are the same."""

from __future__ import annotations

from lake.contract import Column, Table
from lake.tables.columns import (
    ENTRY_ID,
    FLAG,
    FLOAT,
    FLOATS,
    FORMULA,
    INT,
    INTS,
    LEVEL,
    LICENCE,
    MATERIAL_ID,
    ORIGIN,
    PAYLOAD,
    PRESSURE,
    PROPERTY,
    SHARD,
    SOURCE,
    TEMPERATURE,
    TEXT,
    TEXTS,
    TIME,
)

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
        ENTRY_ID, PROPERTY,
        Column("reading", TEXT, "which reading spoke, source and path there: `mp:bulk_modulus.vrh`; of own labels "
               "`labels:` and the reference"),
        Column("value", FLOAT, "value in `unit`"),
        Column("unit", TEXT, "the catalog's unit"),
        Column("flag", TEXT, "why the value is not to be trusted, null where nothing speaks against it: out_of_range, "
               "sentinel", nullable=True),
        ORIGIN, LEVEL,
        Column("method", TEXT, "how it was computed or measured"),
        Column("correction", TEXT, "scheme of correction with its version, or none"),
        TEMPERATURE, PRESSURE,
        SOURCE,
        Column("reference", TEXT, "where a user's own value is from", nullable=True),
        LICENCE,
        Column("original_value", FLOAT, "value as served"),
        Column("original_unit", TEXT, "unit as served"),
        Column("payload_sha256", TEXT, "SHA-256 of the record's payload, null for own labels", nullable=True),
        Column("run", TEXT, "run that read it out of the record, empty outside of any"),
    ),
    key=("entry_id", "property", "reading"),
    partition_by="property",
)  # fmt: skip
