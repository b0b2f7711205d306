"""Citations: whom to name for a row of each source, as text, DOI and BibTeX. The terms themselves: licences.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Citation:
    """What a source asks to be cited by.

    source: its slug. text: one line for people. doi: of the first work. bibtex: all works, ready for a `.bib` file.
    """

    source: str
    text: str
    doi: str
    bibtex: str


def _article(key: str, author: str, title: str, journal: str, volume: str, pages: str, year: int, doi: str) -> str:
    fields = {
        "author": author, "title": f"{{{title}}}", "journal": journal, "volume": volume, "pages": pages,
        "year": str(year), "doi": doi,
    }  # fmt: skip
    return f"@article{{{key},\n" + "".join(f"  {name} = {{{told}}},\n" for name, told in fields.items() if told) + "}\n"


_MP = _article(
    "jain2013materials", "Jain, Anubhav and others",
    "Commentary: The Materials Project: A materials genome approach to accelerating materials innovation",
    "APL Materials", "1", "011002", 2013, "10.1063/1.4812323",
)  # fmt: skip
_AFLOW = _article(
    "curtarolo2012aflow", "Curtarolo, Stefano and others",
    "AFLOWLIB.ORG: A distributed materials properties repository from high-throughput ab initio calculations",
    "Computational Materials Science", "58", "227--235", 2012, "10.1016/j.commatsci.2012.02.002",
) + _article(
    "rose2017aflux", "Rose, Frisco and others", "AFLUX: The LUX materials search API for the AFLOW data repositories",
    "Computational Materials Science", "137", "362--370", 2017, "10.1016/j.commatsci.2017.04.036",
)  # fmt: skip
_OCP = _article(
    "chanussot2021open", "Chanussot, Lowik and others", "Open Catalyst 2020 (OC20) dataset and community challenges",
    "ACS Catalysis", "11", "6059--6072", 2021, "10.1021/acscatal.0c04525",
)  # fmt: skip
_COD = _article(
    "grazulis2009crystallography", "Grazulis, Saulius and others",
    "Crystallography Open Database: an open-access collection of crystal structures",
    "Journal of Applied Crystallography", "42", "726--729", 2009, "10.1107/S0021889809016690",
) + _article(
    "grazulis2012crystallography", "Grazulis, Saulius and others",
    "Crystallography Open Database (COD): an open-access collection of crystal structures and platform for world-wide "
    "collaboration", "Nucleic Acids Research", "40", "D420--D427", 2012, "10.1093/nar/gkr900",
)  # fmt: skip
_PCOD = _article(
    "lebail2005inorganic", "Le Bail, Armel", "Inorganic structure prediction with GRINSP",
    "Journal of Applied Crystallography", "38", "389--395", 2005, "",
)  # fmt: skip
_OQMD = _article(
    "saal2013materials", "Saal, James E. and others",
    "Materials design and discovery with high-throughput density functional theory: the Open Quantum Materials "
    "Database (OQMD)", "JOM", "65", "1501--1509", 2013, "10.1007/s11837-013-0755-4",
) + _article(
    "kirklin2015open", "Kirklin, Scott and others",
    "The Open Quantum Materials Database (OQMD): assessing the accuracy of DFT formation energies",
    "npj Computational Materials", "1", "15010", 2015, "10.1038/npjcompumats.2015.10",
)  # fmt: skip

CITATIONS: Mapping[str, Citation] = MappingProxyType({
    told.source: told
    for told in (
        Citation("mp", "Jain et al., APL Materials 1, 011002 (2013)", "10.1063/1.4812323", _MP),
        Citation("aflow", "Curtarolo et al., Computational Materials Science 58, 227 (2012); Rose et al., 137, 362 "
                 "(2017)", "10.1016/j.commatsci.2012.02.002", _AFLOW),
        Citation("ocp", "Chanussot et al., ACS Catalysis 11, 6059 (2021)", "10.1021/acscatal.0c04525", _OCP),
        Citation("cod", "Grazulis et al., J. Appl. Cryst. 42, 726 (2009); Nucleic Acids Research 40, D420 (2012); and "
                 "the article of each structure", "10.1107/S0021889809016690", _COD),
        Citation("pcod", "Le Bail, J. Appl. Cryst. 38, 389 (2005)", "", _PCOD),
        Citation("oqmd", "Saal et al., JOM 65, 1501 (2013); Kirklin et al., npj Comput. Mater. 1, 15010 (2015)",
                 "10.1007/s11837-013-0755-4", _OQMD),
    )
})  # fmt: skip


def citations_of(sources: Iterable[str]) -> list[Citation]:
    """What to cite for rows of these sources, in the lake's order; folders and labels of one's own have none here."""
    asked = set(sources)
    return [citation for source, citation in CITATIONS.items() if source in asked]
