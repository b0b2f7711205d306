"""Bronze: what came, verbatim, the ledger that proves it, and what was published."""

from __future__ import annotations

from lake.contract import Column, Table
from lake.tables.columns import (
    ENTRY_ID,
    FLAG,
    FLOAT,
    INT,
    LEVEL,
    LICENCE,
    PAYLOAD,
    PRESSURE,
    PROPERTY,
    SOURCE,
    TEMPERATURE,
    TEXT,
    TEXTS,
    TIME,
)

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

SNAPSHOTS = Table(
    "snapshots", "bronze", "Named, dated, consistent sets of table versions: what was published for SQL, and when.",
    (
        Column("snapshot", TEXT, "its name: the UTC time it was taken, or the name that somebody gave it"),
        Column("table", TEXT, "a table"),
        Column("version", INT, "the table's version in it"),
        Column("at", TIME, "when it was taken"),
        Column("kept", FLAG, "whether somebody named it: its files are kept for good"),
        Column("note", TEXT, "what it was taken for", nullable=True),
    ),
    key=("snapshot", "table"),
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
        PROPERTY,
        Column("value", FLOAT, "value in `unit`"),
        Column("unit", TEXT, "unit as given"),
        LEVEL,
        Column("method", TEXT, "how it was measured or computed, as far as told"),
        Column("correction", TEXT, "scheme of correction with its version, or none"),
        TEMPERATURE, PRESSURE,
        Column("reference", TEXT, "where the value is from"),
        LICENCE,
        Column("dataset", TEXT, "the file of `labels/` that it stands in"),
        Column("joined_by", TEXT, "id, or structure: the entry whose crystal is the same as the one beside the value"),
    ),
    key=("entry_id", "property", "reference"),
)  # fmt: skip
