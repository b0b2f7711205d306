"""The views for common questions, beside one view per table: each a name, words, a SELECT and its columns' words."""

from __future__ import annotations

from dataclasses import dataclass, field

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
        "labels_per_property", "How much is known of each property.",
        """
        SELECT property, any_value(unit) AS unit, any_value(origin) AS origin, count(*) AS observations,
               count(DISTINCT material_id) AS materials, list_sort(list(DISTINCT o.source)) AS sources,
               min(value) AS smallest, median(value) AS median, max(value) AS largest
        FROM observations o LEFT JOIN members USING (entry_id)
        GROUP BY property ORDER BY observations DESC
        """,
        {
            "observations": "values, one per entry", "materials": "distinct materials among them",
            "sources": "databases that say it", "smallest": "smallest value", "median": "median value",
            "largest": "largest value",
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
        """
        WITH told AS (
            SELECT material_id, reduced_formula, o.* FROM observations o JOIN members m USING (entry_id)
        )
        SELECT a.property, a.material_id, a.reduced_formula, a.unit,
               a.entry_id AS entry_a, a.value AS value_a, a.level_of_theory AS level_a,
               b.entry_id AS entry_b, b.value AS value_b, b.level_of_theory AS level_b,
               abs(a.value - b.value) / nullif((abs(a.value) + abs(b.value)) / 2, 0) AS relative_difference
        FROM told a JOIN told b
          ON a.material_id = b.material_id AND a.property = b.property AND a.source < b.source
        ORDER BY relative_difference DESC NULLS LAST
        """,
        {
            "entry_a": "entry of one database", "value_a": "its value", "level_a": "its level of theory",
            "entry_b": "entry of another", "value_b": "its value", "level_b": "its level of theory",
            "relative_difference": "difference over the mean of both magnitudes, dimensionless",
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
