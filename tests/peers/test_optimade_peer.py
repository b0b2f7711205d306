"""A crawl by OPTIMADE against the reference server, which other people wrote."""

from lake.crawl import crawl
from lake.entries import write_entries
from lake.extract import write_observations
from lake.settings import Settings
from lake.sources.oqmd.source import Oqmd
from lake.store import Lake
from tests.peers.crystals import COUNT
from tests.peers.fidelity import crystals_that_differ, ids_told_twice, values_that_differ
from tests.peers.optimade_server import LARGEST_PAGE, source_id

VALUES = ("band_gap", "formation_energy_per_atom", "energy_above_hull")


def test_a_crawl_of_the_reference_optimade_server_loses_nothing(optimade_peer, tmp_path, subtests, monkeypatch):
    monkeypatch.setattr(
        "lake.sources.oqmd.source.PER_PAGE", LARGEST_PAGE
    )  # each page costs that server a look at all it has
    made = {source_id(crystal): crystal for crystal in optimade_peer.crystals}
    lake, source = Lake(tmp_path), Oqmd(Settings(oqmd_url=optimade_peer.base, oqmd_rate=0))
    first = crawl(lake, source)
    with subtests.test("the crawl closes"):
        assert (first.state, first.failed, first.rejected, first.missing) == ("published", 0, 0, 0)
        assert first.error is None
    with subtests.test("every structure comes, once"):
        assert (first.records_seen, first.records_new) == (COUNT, COUNT)
        assert ids_told_twice(lake, "oqmd") == []
    with subtests.test("every entry is the crystal that was made"):
        assert write_entries(lake, source) == {"entries": COUNT, "rejects": 0}
        assert crystals_that_differ(lake, "oqmd", made) == []
    with subtests.test("every value is the one that was made"):
        for name in VALUES:
            assert write_observations(lake, name) == {"observations": COUNT, "flagged": 0, "rejects": 0}
            wanted = {key: crystal.values[name] for key, crystal in made.items()}
            assert values_that_differ(lake, "oqmd", name, wanted) == []
    with subtests.test("a second crawl changes nothing"):
        second = crawl(lake, source)
        assert (second.state, second.records_seen, second.records_new) == ("published", COUNT, 0)
