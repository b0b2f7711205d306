"""The views for common questions, beside one view per table: each a name, words, a SELECT and its columns' words."""

from __future__ import annotations

from dataclasses import dataclass, field

from lake.disagreement import ZERO
from lake.policies import DEFAULT
from lake.properties import PROPERTIES
from lake.sources import EVERY


@dataclass(frozen=True)
class View:
    """One view of `lake.duckdb`, over the views of the tables."""

    name: str
    about: str
    select: str
    columns: dict[str, str] = field(default_factory=dict)


# mp-149 before mp-1000: of ids with one beginning, the shorter one is the smaller number
_IDS = ", ".join(
    f"list(source_id ORDER BY length(source_id), source_id) FILTER (e.source = '{source}') AS {source}"
    for source in EVERY
)

# what the catalog says of each property, for queries: its physical range, and the quantity that it tells
_CATALOG = ", ".join(
    f"('{p.name}', '{p.low}'::DOUBLE, '{p.high}'::DOUBLE, '{p.quantity}')" for p in PROPERTIES.values()
)
_CATALOG = f"(VALUES {_CATALOG}) AS catalog(property, physical_low, physical_high, quantity)"

# what counts as zero of the property of `a`
_ZERO = " ".join(f"WHEN '{name}' THEN {zero}" for name, zero in ZERO.items())
_ZERO = f"CASE a.property {_ZERO} ELSE 0 END"

VIEWS = (
    View(
        "members", "Which entry belongs to which material: one row per entry of a material.",
        """
        SELECT material_id, m.reduced_formula, e.source, entry_id, e.n_atoms, entry_id = representative AS represents
        FROM (SELECT material_id, reduced_formula, representative, unnest(members) AS entry_id FROM materials) m
        JOIN entries e USING (entry_id)
        """,
        {"represents": "whether this entry stands for the material"},
    ),
    View(
        "names", "Which database calls the crystal what: one row per material, its ids there in a column per database.",
        f"""
        SELECT m.material_id, m.reduced_formula, m.space_group, count(*) AS entries, {_IDS}
        FROM (SELECT material_id, reduced_formula, space_group, unnest(members) AS entry_id FROM materials) m
        JOIN entries e USING (entry_id)
        GROUP BY ALL
        """,
        {"entries": "how many entries tell it"} | {source: f"its ids in {source}, null where none" for source in EVERY},
    ),
    View(
        "duplicates", "Entries that joined the entry that stands for their material: what was measured of each pair.",
        """
        SELECT material_id, m.reduced_formula, m.representative, m.member,
               c.fingerprint_distance, c.volume_ratio, c.scale, c.strain, c.displacement, c.rms
        FROM (SELECT material_id, reduced_formula, representative, unnest(members) AS member FROM materials) m
        JOIN matches c ON c.entry_a = m.representative AND c.entry_b = m.member
        WHERE c.same
        """,
        {"member": "entry that joined it"},
    ),
    View(
        "ids", "Every material id that was ever given: the material it finds today, and what happened to it since.",
        """
        WITH happened AS (
            SELECT material_id, list(change ORDER BY "at") AS changes, max("at") AS changed
            FROM (SELECT unnest(old_ids) AS material_id, change, "at" FROM material_changes) GROUP BY ALL
        )
        SELECT i.material_id, i.current, m.reduced_formula, m.space_group, m.representative, i.entry_id,
               i.first_given, happened.changes, happened.changed
        FROM material_ids i LEFT JOIN materials m ON m.material_id = i.current
        LEFT JOIN happened ON happened.material_id = i.material_id
        """,
        {
            "entry_id": "the entry that it was given for",
            "changes": "merged, split, renamed, gone or regrouped, the oldest first",
            "changed": "when the last of these was found",
        },
    ),
    View(
        "labels_per_property", "How much is known of each property; flagged values are counted apart.",
        """
        SELECT property, any_value(unit) AS unit, any_value(origin) AS origin,
               count(*) FILTER (flag IS NULL) AS observations, count(*) FILTER (flag IS NOT NULL) AS flagged,
               count(DISTINCT entry_id) FILTER (flag IS NULL) AS entries,
               count(DISTINCT material_id) FILTER (flag IS NULL) AS materials,
               list_sort(list(DISTINCT o.source) FILTER (flag IS NULL)) AS sources,
               list_sort(list(DISTINCT level_of_theory) FILTER (flag IS NULL)) AS levels,
               min(value) FILTER (flag IS NULL) AS smallest, median(value) FILTER (flag IS NULL) AS median,
               max(value) FILTER (flag IS NULL) AS largest
        FROM observations o
        LEFT JOIN (SELECT material_id, unnest(members) AS entry_id FROM materials) USING (entry_id)
        GROUP BY property ORDER BY observations DESC, property
        """,
        {
            "observations": "values that are not flagged; an entry with several readings has several",
            "flagged": "values that are, left out of all other columns", "entries": "distinct entries with a value",
            "materials": "distinct materials among them", "sources": "databases that say it",
            "levels": "levels of theory that they say it by", "smallest": "smallest value", "median": "median value",
            "largest": "largest value",
        },
    ),
    View(
        "label_overlap", "Materials of which two properties are known, and how these go together; nothing flagged.",
        f"""
        WITH told AS (
            SELECT material_id, property, avg(value) AS value
            FROM observations JOIN (SELECT material_id, unnest(members) AS entry_id FROM materials) USING (entry_id)
            WHERE flag IS NULL GROUP BY ALL
        ), pairs AS (
            SELECT a.property AS property_a, b.property AS property_b, count(*) AS materials,
                   min(a.value) < max(a.value) AND min(b.value) < max(b.value) AND count(*) > 2 AS spread,
                   corr(a.value, b.value) AS correlation
            FROM told a JOIN told b ON a.material_id = b.material_id AND a.property < b.property
            GROUP BY ALL
        )
        SELECT property_a, property_b, materials, CASE WHEN spread THEN correlation END AS correlation,
               coalesce(x.quantity = y.quantity, false) AS same_quantity
        FROM pairs LEFT JOIN {_CATALOG.replace("catalog(", "x(")} ON x.property = property_a
        LEFT JOIN {_CATALOG.replace("catalog(", "y(")} ON y.property = property_b
        ORDER BY materials DESC, property_a, property_b
        """,
        {
            "property_a": "one property", "property_b": "another", "materials": "materials with a value of both",
            "correlation": "Pearson's, over the mean of each material's values; null below three materials or where "
            "a property has one value only",
            "same_quantity": "whether the catalog calls both one quantity told twice: no two witnesses of anything",
        },
    ),
    View(
        "known", "Everything that is known: one row per material and observation, flagged ones and all.",
        f"""
        SELECT m.material_id, m.reduced_formula, m.space_group, o.property, o.value, o.unit, o.flag, o.origin,
               o.level_of_theory, o.method, o.correction, o.temperature, o.pressure, o.source, o.entry_id, o.reading,
               chosen.chosen, o.reference, o.licence, o.payload_sha256
        FROM (SELECT material_id, reduced_formula, space_group, unnest(members) AS entry_id FROM materials) m
        JOIN observations o USING (entry_id)
        LEFT JOIN (
            SELECT material_id, entry_id, property, reading, string_agg(DISTINCT p.chosen, ', ') AS chosen
            FROM matrix_provenance p WHERE policy = '{DEFAULT}' GROUP BY ALL
        ) chosen ON chosen.material_id = m.material_id AND chosen.entry_id = o.entry_id
                AND chosen.property = o.property AND chosen.reading = o.reading
        """,
        {
            "chosen": "how the default policy took it for the matrix: only, preferred, median or refused; null where "
            "it took another, or none",
        },
    ),
    View(
        "flagged", "Values that are not to be trusted, and why: beside each the range that is physical.",
        f"""
        SELECT o.property, o.entry_id, m.material_id, e.reduced_formula, o.value, o.unit, o.flag,
               physical_low, physical_high, o.source, o.level_of_theory, o.reading, o.original_value, o.original_unit,
               o.payload_sha256
        FROM observations o LEFT JOIN entries e USING (entry_id)
        LEFT JOIN (SELECT material_id, unnest(members) AS entry_id FROM materials) m USING (entry_id)
        LEFT JOIN {_CATALOG} ON catalog.property = o.property
        WHERE o.flag IS NOT NULL
        ORDER BY o.property, o.value
        """,
        {
            "physical_low": "smallest value that is physical, in `unit`",
            "physical_high": "largest value that is physical, in `unit`",
        },
    ),
    View(
        "overlap", "Materials that two databases share.",
        """
        SELECT a.source AS source_a, b.source AS source_b, count(*) AS materials
        FROM (SELECT material_id, unnest(sources) AS source FROM materials) a
        JOIN (SELECT material_id, unnest(sources) AS source FROM materials) b
          ON a.material_id = b.material_id AND a.source < b.source
        GROUP BY ALL ORDER BY materials DESC
        """,
        {"source_a": "one database", "source_b": "another", "materials": "materials that both tell"},
    ),
    View(
        "disagreements", "Where two databases give the same property of one material: both values, largest gap first.",
        f"""
        WITH told AS (
            SELECT material_id, reduced_formula, o.*
            FROM observations o JOIN (
                SELECT material_id, reduced_formula, unnest(members) AS entry_id FROM materials
            ) m USING (entry_id)
            WHERE o.flag IS NULL
        )
        SELECT a.property, a.material_id, a.reduced_formula, a.unit,
               a.source AS source_a, a.entry_id AS entry_a, a.reading AS reading_a, a.value AS value_a,
               a.level_of_theory AS level_a, a.correction AS correction_a,
               b.source AS source_b, b.entry_id AS entry_b, b.reading AS reading_b, b.value AS value_b,
               b.level_of_theory AS level_b, b.correction AS correction_b,
               CASE WHEN greatest(abs(a.value), abs(b.value)) > {_ZERO} THEN
                   abs(a.value - b.value) / ((abs(a.value) + abs(b.value)) / 2)
               END AS relative_difference
        FROM told a JOIN told b
          ON a.material_id = b.material_id AND a.property = b.property AND a.source < b.source
        ORDER BY relative_difference DESC NULLS LAST, a.property, a.entry_id, a.reading, b.entry_id, b.reading
        """,
        {
            "source_a": "one database, or labels: own values of its entry",
            "entry_a": "its entry", "reading_a": "its reading", "value_a": "its value",
            "level_a": "its level of theory", "correction_a": "its scheme of correction",
            "source_b": "another", "entry_b": "its entry", "reading_b": "its reading", "value_b": "its value",
            "level_b": "its level of theory", "correction_b": "its scheme of correction",
            "relative_difference": "difference over the mean of both magnitudes, dimensionless; null where both are "
            "zero, as a gap of 0.009 eV is",
        },
    ),
    View(
        "nights", "How each crawl went: when, how it ended, what it asked, what it changed; the newest first.",
        """
        WITH told AS (
            SELECT source, crawl, any_value(scope) AS scope, min("at") AS opened,
                   arg_max(state, ("at", state <> 'opened', state IN ('published', 'held'))) AS state,
                   max("at") FILTER (state <> 'opened') AS ended, any_value(note) AS note
            FROM crawls GROUP BY ALL
        ), asked AS (
            SELECT source, crawl, sum(attempts)::BIGINT AS requests, sum(got)::BIGINT AS records,
                   count(*) FILTER (p.state = 'poisoned') AS failed, count(*) FILTER (p.state = 'missing') AS missing
            FROM pages p GROUP BY ALL
        ), counted AS (
            SELECT source, crawl, added, changed, gone FROM differences WHERE field = 'records'
        )
        SELECT source, crawl, scope, state, opened, ended, requests, records, added, changed, gone, failed, missing,
               note
        FROM told LEFT JOIN asked USING (source, crawl) LEFT JOIN counted USING (source, crawl)
        ORDER BY opened DESC
        """,
        {
            "opened": "when it began", "ended": "when it ended, null while it is open", "requests": "requests it took",
            "records": "records that came", "failed": "units that never came", "missing": "ids listed in vain",
        },
    ),
    View(
        "rejects_per_stage", "How much each step refused, by database.",
        "SELECT stage, source, count(*) AS rejects FROM rejects GROUP BY ALL ORDER BY rejects DESC",
        {"rejects": "entries refused"},
    ),
)  # fmt: skip
