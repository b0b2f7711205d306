"""The columns of COD's `data` table, read off the CIF that is served, so that row and file never disagree.

Every value is a string or null. Columns: https://wiki.crystallography.net/fields/
"""

from __future__ import annotations

import re

import gemmi

from lake.sample.mirror.told import Told

Row = dict[str, str | None]
ELEMENT = re.compile(r"([A-Z][a-z]?)(\d+\.?\d*)?")
_REVISION = re.compile(r"^#\$Revision: (\d+) \$", re.MULTILINE)
_DATE = re.compile(r"^#\$Date: (\S+) (\S+)", re.MULTILINE)
# column of the data table -> CIF data name
TAGS = {
    "a": "_cell_length_a", "b": "_cell_length_b", "c": "_cell_length_c",
    "alpha": "_cell_angle_alpha", "beta": "_cell_angle_beta", "gamma": "_cell_angle_gamma",
    "vol": "_cell_volume", "celltemp": "_cell_measurement_temperature", "diffrtemp": "_diffrn_ambient_temperature",
    "cellpressure": "_cell_measurement_pressure", "diffrpressure": "_diffrn_ambient_pressure",
    "sg": "_symmetry_space_group_name_H-M", "sgHall": "_symmetry_space_group_name_Hall",
    "sgNumber": "_space_group_IT_number", "commonname": "_chemical_name_common",
    "chemname": "_chemical_name_systematic", "mineral": "_chemical_name_mineral", "Z": "_cell_formula_units_Z",
    "journal": "_journal_name_full", "year": "_journal_year", "volume": "_journal_volume", "issue": "_journal_issue",
    "firstpage": "_journal_page_first", "lastpage": "_journal_page_last", "doi": "_journal_paper_doi",
    "title": "_publ_section_title", "method": "_cod_struct_determination_method", "status": "_cod_error_flag",
    "duplicateof": "_cod_duplicate_entry", "onhold": "_cod_hold_until_date",
}  # fmt: skip
UNTOLD = (
    "siga", "sigb", "sigc", "sigalpha", "sigbeta", "siggamma", "sigvol", "sigcelltemp", "sigdiffrtemp",
    "sigcellpressure", "sigdiffrpressure", "thermalhist", "pressurehist", "compoundsource", "cellformula", "Zprime",
    "acce_code", "radiation", "wavelength", "radType", "radSymbol", "Rall", "Robs", "Rref", "wRall", "wRobs",
    "wRref", "RFsqd", "RI", "gofall", "gofobs", "gofgt", "gofref", "optimal",
)  # fmt: skip


def made_revision(told: Told) -> int:
    """A revision number for what has none of its own: made from the content, far beyond the real ones of today."""
    return 1_000_000 + told.digest % 100_000_000


def row_of(told: Told, text: str) -> Row:
    """The row of one entry whose file reads `text`."""
    block = _block(text)
    revision, date = _REVISION.search(text), _DATE.search(text)
    row: Row = {"file": told.id}
    row |= {column: _value(block, tag) for column, tag in TAGS.items()}
    row |= dict.fromkeys(UNTOLD)
    formula = _value(block, "_chemical_formula_sum")
    row["formula"] = row["calcformula"] = None if formula is None else f"- {_in_hill_order(formula)} -"
    row["nel"] = None if formula is None else str(len(ELEMENT.findall(formula)))
    row["authors"] = "; ".join(_column(block, "_publ_author_name")) or None
    row["flags"] = "has coordinates" if _column(block, "_atom_site_fract_x") else None
    row["text"] = row["title"]
    row["svnrevision"] = revision[1] if revision else str(made_revision(told))
    row["date"] = date[1] if date else f"{told.revised:%Y-%m-%d}"
    row["time"] = date[2] if date else f"{told.revised:%H:%M:%S}"
    return row


def _block(text: str) -> gemmi.cif.Block | None:
    """The first data block, None where gemmi cannot read the file (some of COD's test files are broken on purpose)."""
    try:
        return gemmi.cif.read_string(file_bytes(text))[0]
    except (ValueError, IndexError, RuntimeError):
        return None


def _value(block: gemmi.cif.Block | None, tag: str) -> str | None:
    found = block.find_value(tag) if block is not None else None
    if found is None or gemmi.cif.is_null(found):
        return None
    return " ".join(gemmi.cif.as_string(found).split())


def _column(block: gemmi.cif.Block | None, tag: str) -> list[str]:
    return [] if block is None else [gemmi.cif.as_string(value) for value in block.find_values(tag)]


def _in_hill_order(formula: str) -> str:
    parts = dict(ELEMENT.findall(formula))
    first = [element for element in ("C", "H") if "C" in parts and element in parts]
    order = first + [element for element in sorted(parts) if element not in first]
    return " ".join(element + (parts[element] if parts[element] not in ("", "1") else "") for element in order)


def file_bytes(text: str) -> bytes:
    """Bytes of a file that may not be UTF-8: what could not be read was kept as surrogates."""
    return text.encode("utf-8", "surrogateescape")
