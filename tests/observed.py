"""A row of OBSERVATIONS, written by hand: what a test does not say is plain."""

from __future__ import annotations


def observation(entry_id: str, name: str, value: float, **told: object) -> dict[str, object]:
    """The row; `told` replaces any of its columns."""
    source = entry_id.split(":")[0]
    return {
        "entry_id": entry_id, "property": name, "reading": f"{source}:{name}", "value": value, "unit": "eV",
        "flag": None, "origin": "computed", "level_of_theory": "PBE", "method": "made for a test",
        "correction": "none", "temperature": None, "pressure": None, "source": source, "reference": None,
        "licence": "CC BY 4.0", "original_value": value, "original_unit": "eV", "payload_sha256": "0" * 64, "run": "",
    } | told  # fmt: skip
