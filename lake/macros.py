"""The macros of lake.duckdb: questions with numbers of one's own, each a name, words, its numbers and a SELECT.

`SELECT * FROM materials_within(strain := 0.01)`: the tolerances of docs/identity.md changed, and nothing compared anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lake.structures.definition import ROUNDING, SAME


@dataclass(frozen=True)
class Macro:
    """One table macro of `lake.duckdb`, over its views.

    numbers: name -> what stands for it where the question gives none.
    """

    name: str
    about: str
    select: str
    numbers: dict[str, float]
    columns: dict[str, str] = field(default_factory=dict)

    @property
    def statement(self) -> str:
        """The SQL that makes it."""
        numbers = ", ".join(f"{name} := {number!r}" for name, number in self.numbers.items())
        return f"CREATE MACRO {self.name}({numbers}) AS TABLE {self.select}"

    @property
    def words(self) -> str:
        """What it answers, how it is asked, and its columns, which can have no comments of their own."""
        asked = ", ".join(f"{name} := {number}" for name, number in self.numbers.items())
        columns = "; ".join(f"{name}: {about}" for name, about in self.columns.items())
        return f"{self.about} SELECT * FROM {self.name}({asked}). Columns: {columns}."


# What `Tolerances.held` holds against each tolerance, of a row of `matches`
_HELD = {
    "scale": "1 - exp(least(ln(1 + m.strain), ln(1 + strain::DOUBLE) / 2) * 2 / 3 - abs(ln(1 + m.scale)))",
    "strain": "m.strain",
    "displacement": "m.displacement",
}
_WITHIN = " AND ".join(f"{held} <= {name}::DOUBLE * {1 + ROUNDING!r}::DOUBLE" for name, held in _HELD.items())

# Entries were compared with preferred ones alone, so who represents is settled from those downwards: an entry that
# equals a representative is none, one whose equals have all joined others is one. All formulas go down together, and
# only those go on where something is still open. Plain joins throughout, since lists and lambdas changed after DuckDB
# 1.0. A pair that was not measured keeps its verdict.
MACROS = (
    Macro(
        "materials_within",
        "The materials under other tolerances than the definition's, from the measured pairs in `matches` alone: each "
        "entry joins the nearest representative that it equals, follows one that has itself joined another, or stands "
        "alone.",
        f"""
        WITH RECURSIVE told AS (
            SELECT material_id, reduced_formula, unnest(members) AS entry_id FROM materials
        ), measured AS (
            SELECT m.entry_a, m.entry_b, m.reduced_formula, m.fingerprint_distance, m.same,
                   coalesce({_WITHIN}, m.same) AS equal
            FROM matches m
        ), steps AS (
            SELECT 0 AS step, m.reduced_formula, m.entry_a, m.entry_b, m.fingerprint_distance,
                   CASE WHEN later.entry_b IS NULL THEN true END AS represents
            FROM measured m LEFT JOIN (SELECT DISTINCT entry_b FROM measured WHERE equal) later
              ON later.entry_b = m.entry_a
            WHERE m.equal
            UNION ALL
            (WITH settled AS (
                SELECT entry_b AS entry_id, CASE WHEN bool_or(represents) THEN false
                                                 WHEN count(represents) = count(*) THEN true END AS represents
                FROM steps GROUP BY entry_b
            ), now AS (
                SELECT s.step, s.reduced_formula, s.entry_a, s.entry_b, s.fingerprint_distance,
                       coalesce(s.represents, settled.represents) AS represents,
                       s.represents IS NULL AND settled.represents IS NOT NULL AS new
                FROM steps s LEFT JOIN settled ON settled.entry_id = s.entry_a
            )
            SELECT step + 1, reduced_formula, entry_a, entry_b, fingerprint_distance, represents FROM now
            WHERE reduced_formula IN (SELECT reduced_formula FROM now WHERE new))
        ), equals AS (
            SELECT entry_a, entry_b, any_value(fingerprint_distance) AS apart, arg_max(represents, step) AS represents
            FROM steps GROUP BY entry_a, entry_b
        ), joined AS (
            SELECT entry_b AS entry_id, entry_a AS representative FROM equals WHERE represents
            QUALIFY row_number() OVER (PARTITION BY entry_b ORDER BY apart, entry_a) = 1
        ), followed AS (
            SELECT m.entry_b AS entry_id, joined.representative
            FROM measured m JOIN joined ON joined.entry_id = m.entry_a
            LEFT JOIN measured other ON other.entry_a = joined.representative AND other.entry_b = m.entry_b
            WHERE m.same AND m.equal AND other.entry_a IS NULL
        ), placed AS (
            SELECT told.material_id, told.reduced_formula, told.entry_id, joined.entry_id IS NOT NULL AS decided,
                   coalesce(joined.representative, followed.representative, told.entry_id) AS representative
            FROM told LEFT JOIN joined USING (entry_id) LEFT JOIN followed USING (entry_id)
        ), parts AS (
            SELECT DISTINCT material_id, representative FROM placed
        ), compared AS (
            SELECT placed.entry_id, count(*) AS n
            FROM placed JOIN (
                SELECT entry_a AS entry_id, entry_b AS other FROM measured
                UNION ALL SELECT entry_b, entry_a FROM measured
            ) pair USING (entry_id)
            JOIN parts ON parts.material_id = placed.material_id AND parts.representative = pair.other
            WHERE NOT placed.decided GROUP BY placed.entry_id
        )
        SELECT placed.entry_id, placed.reduced_formula, placed.material_id, placed.representative,
               count(*) OVER (PARTITION BY placed.representative) AS entries,
               CASE WHEN placed.decided THEN 0
                    ELSE others.n - (placed.entry_id = placed.representative)::INT - coalesce(compared.n, 0)
               END AS undecided
        FROM placed JOIN (SELECT material_id, count(*) AS n FROM parts GROUP BY material_id) others USING (material_id)
        LEFT JOIN compared USING (entry_id)
        """,
        {"scale": SAME.scale, "strain": SAME.strain, "displacement": SAME.displacement},
        {
            "entry_id": "an entry of a material",
            "reduced_formula": "its reduced formula",
            "material_id": "its material by the definition",
            "representative": "the entry that it belongs to within these tolerances",
            "entries": "how many entries belong there",
            "undecided": "how many representatives its fellows of that material belong to that it was never compared "
            "with; 0 where a measurement placed it",
        },
    ),
)
