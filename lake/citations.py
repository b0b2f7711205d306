"""Citations: BibTeX of what each database asks to be cited, and of the article in which a COD structure was published.

What belongs here: one constant per database. Which works, and their DOIs, are what the databases ask for; titles, most
authors and pages, and GRINSP's DOI, are as remembered, to be checked against the journals. Assumed: PCOD names no
article of its own, and GRINSP made its structures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Citation:
    """What a source asks to be cited by.

    source: its slug. text: one line for people. doi: of the first work. bibtex: all works, ready for a `.bib` file.
    """

    source: str
    text: str
    doi: str
    bibtex: str


MATERIALS_PROJECT = """\
@article{Jain2013,
  author = {Jain, Anubhav and Ong, Shyue Ping and Hautier, Geoffroy and others},
  title = {Commentary: The {Materials Project}: A materials genome approach to accelerating materials innovation},
  journal = {APL Materials},
  volume = {1},
  pages = {011002},
  year = {2013},
  doi = {10.1063/1.4812323},
}
"""
AFLOW = """\
@article{Curtarolo2012,
  author = {Curtarolo, Stefano and Setyawan, Wahyu and Wang, Shidong and others},
  title = {{AFLOWLIB.ORG}: A distributed materials properties repository from high-throughput ab initio calculations},
  journal = {Computational Materials Science},
  volume = {58},
  pages = {227--235},
  year = {2012},
  doi = {10.1016/j.commatsci.2012.02.002},
}

@article{Rose2017,
  author = {Rose, Frisco and Toher, Cormac and Gossett, Eric and others},
  title = {{AFLUX}: The {LUX} materials search {API} for the {AFLOW} data repositories},
  journal = {Computational Materials Science},
  volume = {137},
  pages = {362--370},
  year = {2017},
  doi = {10.1016/j.commatsci.2017.04.036},
}
"""
OPEN_CATALYST = """\
@article{Chanussot2021,
  author = {Chanussot, Lowik and Das, Abhishek and Goyal, Siddharth and others},
  title = {Open Catalyst 2020 ({OC20}) Dataset and Community Challenges},
  journal = {ACS Catalysis},
  volume = {11},
  pages = {6059--6072},
  year = {2021},
  doi = {10.1021/acscatal.0c04525},
}
"""
CRYSTALLOGRAPHY_OPEN = """\
@article{Grazulis2009,
  author = {Gra{\\v{z}}ulis, Saulius and Chateigner, Daniel and Downs, Robert T. and others},
  title = {Crystallography Open Database -- an open-access collection of crystal structures},
  journal = {Journal of Applied Crystallography},
  volume = {42},
  pages = {726--729},
  year = {2009},
  doi = {10.1107/S0021889809016690},
}

@article{Grazulis2012,
  author = {Gra{\\v{z}}ulis, Saulius and Da{\\v{s}}kevi{\\v{c}}, Adriana and Merkys, Andrius and others},
  title = {Crystallography Open Database ({COD}): an open-access collection of crystal structures and platform for
    world-wide collaboration},
  journal = {Nucleic Acids Research},
  volume = {40},
  pages = {D420--D427},
  year = {2012},
  doi = {10.1093/nar/gkr900},
}
"""
PREDICTED_CRYSTALLOGRAPHY_OPEN = """\
@article{LeBail2005,
  author = {Le Bail, Armel},
  title = {Inorganic structure prediction with {GRINSP}},
  journal = {Journal of Applied Crystallography},
  volume = {38},
  pages = {389--395},
  year = {2005},
  doi = {10.1107/S0021889805002384},
}
"""
OQMD = """\
@article{Saal2013,
  author = {Saal, James E. and Kirklin, Scott and Aykol, Muratahan and Meredig, Bryce and Wolverton, C.},
  title = {Materials Design and Discovery with High-Throughput Density Functional Theory: The {Open Quantum Materials
    Database} ({OQMD})},
  journal = {JOM},
  volume = {65},
  pages = {1501--1509},
  year = {2013},
  doi = {10.1007/s11837-013-0755-4},
}

@article{Kirklin2015,
  author = {Kirklin, Scott and Saal, James E. and Meredig, Bryce and others},
  title = {The {Open Quantum Materials Database} ({OQMD}): assessing the accuracy of {DFT} formation energies},
  journal = {npj Computational Materials},
  volume = {1},
  pages = {15010},
  year = {2015},
  doi = {10.1038/npjcompumats.2015.10},
}
"""
CITATIONS: Mapping[str, Citation] = MappingProxyType({
    told.source: told
    for told in (
        Citation("mp", "Jain et al., APL Materials 1, 011002 (2013)", "10.1063/1.4812323", MATERIALS_PROJECT),
        Citation("aflow", "Curtarolo et al., Computational Materials Science 58, 227 (2012); Rose et al., 137, 362 "
                 "(2017)", "10.1016/j.commatsci.2012.02.002", AFLOW),
        Citation("ocp", "Chanussot et al., ACS Catalysis 11, 6059 (2021)", "10.1021/acscatal.0c04525", OPEN_CATALYST),
        Citation("cod", "Gražulis et al., J. Appl. Cryst. 42, 726 (2009); Nucleic Acids Research 40, D420 (2012); and "
                 "the article of each structure", "10.1107/S0021889809016690", CRYSTALLOGRAPHY_OPEN),
        Citation("pcod", "Le Bail, J. Appl. Cryst. 38, 389 (2005)", "10.1107/S0021889805002384",
                 PREDICTED_CRYSTALLOGRAPHY_OPEN),
        Citation("oqmd", "Saal et al., JOM 65, 1501 (2013); Kirklin et al., npj Comput. Mater. 1, 15010 (2015)",
                 "10.1007/s11837-013-0755-4", OQMD),
    )
})  # fmt: skip


def citations_of(sources: Iterable[str]) -> list[Citation]:
    """What to cite for rows of these sources, in the lake's order; folders and labels of one's own have none here."""
    asked = set(sources)
    return [citation for source, citation in CITATIONS.items() if source in asked]


# field of BibTeX -> the column of COD's rows, and the data names of a CIF, that tell it
ARTICLE = {
    "author": ("authors", "_publ_author_name"),
    "title": ("title", "_publ_section_title"),
    "journal": ("journal", "_journal_name_full"),
    "volume": ("volume", "_journal_volume"),
    "pages": ("firstpage", "_journal_page_first"),
    "year": ("year", "_journal_year"),
    "doi": ("doi", "_journal_paper_doi"),
}
LAST_PAGE = ("lastpage", "_journal_page_last")
SPECIAL = str.maketrans({sign: f"\\{sign}" for sign in "#$%&_{}"} | {"\\": r"\textbackslash{}"})


def article(key: str, fields: Mapping[str, Any]) -> str:
    """The article in which a structure of COD was published, by the record's fields; empty where these name none."""
    told = {name: _first(fields, columns) for name, columns in ARTICLE.items()}
    if not (told["title"] or told["journal"] or told["doi"]):
        return ""
    told["author"] = re.sub(r"\s*;\s*", " and ", told["author"])
    if told["pages"] and (last := _first(fields, LAST_PAGE)) not in ("", told["pages"]):
        told["pages"] += f"--{last}"
    lines = [
        f"  {name} = {{{value if name == 'doi' else value.translate(SPECIAL)}}},\n"
        for name, value in told.items()
        if value
    ]
    return f"@article{{{key},\n{''.join(lines)}}}\n"


def _first(fields: Mapping[str, Any], columns: tuple[str, ...]) -> str:
    """The first of these columns that tells something, on one line; a DOI with its braces or blanks is none."""
    for column in columns:
        words = " ".join(str(fields.get(column) or "").split())
        if words and words not in ("?", "."):
            return words if "doi" not in column or re.fullmatch(r"[^\s{}\\]+", words) else ""
    return ""
