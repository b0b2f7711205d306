"""Where a person can look an entry up: its page in its own database.

COD's and PCOD's addresses are documented. The others are not, and no page was opened when this was written:
[U] Materials Project's site shows `/materials/<material_id>`;
[U] AFLOW's site shows `/material/?id=<auid>`;
[U] OQMD's site shows `/materials/entry/<entry_id>`, but an OQMD id of the lake is that of a formation energy, another
number. So the link is OPTIMADE's answer for the one structure, which is sure to be this one.
Open Catalyst has no page per relaxation, and a user's own values have none either.
"""

from __future__ import annotations

PAGES = {
    "mp": "https://next-gen.materialsproject.org/materials/{}",
    "aflow": "https://aflow.org/material/?id={}",
    "oqmd": "https://oqmd.org/optimade/structures/{}",
    "cod": "https://www.crystallography.net/cod/{}.html",
    "pcod": "https://www.crystallography.net/pcod/{}.html",
}


def page_of(entry_id: str) -> str | None:
    """The address of an entry's page, None where its database has none; `mp:mp-149` is Materials Project's mp-149."""
    source, _, source_id = entry_id.partition(":")
    return PAGES[source].format(source_id) if source in PAGES else None
