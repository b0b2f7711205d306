"""What a licence allows: a strange one nothing, and what is made from several what the strictest of them allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.citations import CITATIONS, citations_of
from lake.licences import KNOWN, OFFERED, UnknownLicence, allows, offered, refusal, strictest, terms_of
from lake.sources import NAMES, source_named

LICENCES = st.lists(st.one_of(st.sampled_from([terms.name for terms in KNOWN]), st.text(max_size=20)), max_size=5)


@pytest.mark.parametrize("source", NAMES)
def test_the_terms_of_every_source_are_written_down(source):
    licence = source_named(source).licence
    assert terms_of(licence).name == licence
    assert terms_of(licence) in KNOWN
    assert CITATIONS[source].bibtex.count("@article{") >= 1


@pytest.mark.parametrize("licence", ["private", "not stated", "", "see aflow.org (unverified)", "WTFPL", "CC BY 3.0"])
def test_what_is_private_unknown_or_not_stated_is_never_passed_on(licence):
    assert not any(allows(licence, under) for under in OFFERED)
    assert refusal([licence], "CC BY-NC 4.0")


@pytest.mark.parametrize(
    ("under", "taken"),
    [
        ("CC0-1.0", {"CC0-1.0"}),
        ("CC BY 4.0", {"CC0-1.0", "CC BY 4.0"}),
        ("CC BY-NC 4.0", {"CC0-1.0", "CC BY 4.0", "CC BY-NC 4.0"}),
    ],
)
def test_an_export_takes_rows_of_its_own_licence_and_freer_ones(under, taken):
    assert {terms.name for terms in KNOWN if allows(terms.name, under)} == taken


@pytest.mark.parametrize("written", ["CC-BY-4.0", "cc by 4.0", " CC BY 4.0 ", "CC_BY_4.0"])
def test_a_licence_is_known_however_it_is_written(written):
    assert offered(written).spdx == "CC-BY-4.0"


def test_nobody_exports_under_a_licence_that_forbids_it():
    for name in ("private", "not stated", "GPL"):
        with pytest.raises(UnknownLicence, match=r"CC0-1\.0, CC BY 4\.0, CC BY-NC 4\.0; found"):
            offered(name)


@given(LICENCES)
def test_what_is_made_from_rows_may_be_passed_on_where_each_of_them_may(licences):
    terms = strictest(licences)
    for under in OFFERED:
        each = bool(licences) and all(allows(licence, under) for licence in licences)
        assert allows(terms.name, under) == each
        assert (refusal(licences, under) == "") == each


@given(LICENCES, st.randoms())
def test_the_strictest_licence_does_not_depend_on_order_or_number(licences, chance):
    shuffled = [*licences, *licences]
    chance.shuffle(shuffled)
    assert strictest(shuffled) == strictest(licences)


def test_a_refusal_names_each_licence_and_why():
    words = refusal(["CC BY-NC 4.0", "CC0", "see aflow.org (unverified)"], "CC BY 4.0")
    assert "not for commercial use" in words and "ask aflow.org" in words and "CC0" not in words


def test_every_citation_is_a_doi_and_whole_bibtex():
    told = citations_of(["oqmd", "labels", "mp"])
    assert [citation.source for citation in told] == ["mp", "oqmd"]
    for citation in CITATIONS.values():
        assert citation.doi in citation.bibtex
        assert citation.bibtex.count("{") == citation.bibtex.count("}")
