"""Your own files: every crystal of every format comes out as it went in, and no bad file costs the others anything."""

from __future__ import annotations

import io
import os
from pathlib import Path

import gemmi
import numpy as np
import orjson
import pytest
from ase import Atoms
from ase.io import write
from hypothesis import given
from hypothesis import strategies as st

from lake.crawl import crawl
from lake.crystal import SYMBOLS, Crystal, CrystalError
from lake.entries import write_entries
from lake.sample import crystals as sample
from lake.settings import Settings
from lake.sources import EVERY, NAMES, source_named
from lake.sources.folder import files as folder_files
from lake.sources.folder import source as folder
from lake.sources.page import Unit
from lake.sources.scope import WHOLE, Scope
from lake.store import Lake
from lake.wire.down import SourceDown
from tests.lake._owed import entries, ledger, versions

WIRE = Path(os.environ.get("CRYSTAL_LAKE_REAL_DATA", "../shared/data")) / "wire"
SALT = Crystal(4.2 * np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5]], [12, 8])


@st.composite
def crystals(draw) -> Crystal:
    """Atoms on places of a grid, so that none meet, in a box that is not square."""
    places = draw(st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=6, unique=True))
    a, b, c, tilt = (draw(st.floats(6, 12)) for _ in range(4))
    lattice = np.array([[a, 0, 0], [tilt / 4, b, 0], [-tilt / 5, tilt / 6, c]])
    numbers = draw(st.lists(st.sampled_from([1, 8, 12, 26, 92]), min_size=len(places), max_size=len(places)))
    shift = draw(st.floats(0, 0.2))
    return Crystal(lattice, np.array(places) / 4 + shift, sorted(numbers))


def as_cif(crystal: Crystal, name: str = "x") -> str:
    """P1, written by gemmi."""
    small = gemmi.SmallStructure()
    lengths = np.linalg.norm(crystal.lattice, axis=1)
    cosine = [crystal.lattice[i] @ crystal.lattice[j] / lengths[i] / lengths[j] for i, j in ((1, 2), (0, 2), (0, 1))]
    small.name, small.cell = name, gemmi.UnitCell(*lengths, *np.degrees(np.arccos(cosine)))
    small.spacegroup_hm = "P 1"
    for k, (number, position) in enumerate(zip(crystal.numbers, crystal.positions, strict=True)):
        site = gemmi.SmallStructure.Site()
        site.label, site.element = f"{SYMBOLS[number]}{k + 1}", gemmi.Element(int(number))
        site.type_symbol, site.fract = SYMBOLS[number], gemmi.Fractional(*position)
        small.add_site(site)
    return small.make_cif_block().as_string()


def as_poscar(crystal: Crystal) -> str:
    return crystal.to_pymatgen().to(fmt="poscar")


def as_extxyz(crystal: Crystal, **more: object) -> str:
    atoms = Atoms(crystal.numbers, scaled_positions=crystal.positions, cell=crystal.lattice, pbc=True)
    atoms.info.update(more)
    file = io.StringIO()
    write(file, atoms, format="extxyz")
    return file.getvalue()


def as_optimade(crystal: Crystal, name: object = "1", **more: object) -> str:
    attributes = {
        "lattice_vectors": crystal.lattice.tolist(),
        "cartesian_site_positions": (crystal.positions @ crystal.lattice).tolist(),
        "species_at_sites": [f"{SYMBOLS[z]}-site" for z in crystal.numbers],
        "species": [
            {"name": f"{SYMBOLS[z]}-site", "chemical_symbols": [SYMBOLS[z]], "concentration": [1.0]}
            for z in set(crystal.numbers.tolist())
        ],
        "nperiodic_dimensions": 3,
        **more,
    }
    return orjson.dumps({"id": name, "type": "structures", "attributes": attributes}).decode() + "\n"


OXYGEN = {"name": "O-site", "chemical_symbols": ["O"], "concentration": [1.0]}
HEADER = '{"x-optimade":{"meta":{"api_version":"1.2.0"}}}\n{"type":"info","id":"structures"}\n'


def made(root: Path, **more: object):
    return source_named("folder", Settings(folder_path=root, **more))


def read(root: Path) -> tuple[dict[str, Crystal], dict[str, str]]:
    """Crystals by id, and what is missing, of a whole walk without an engine."""
    source, found, missing = made(root), {}, {}
    waiting = list(source.plan(WHOLE))
    while waiting:
        page = source.fetch(waiting.pop(0), {})
        assert list(page.listed) == [record.source_id for record in page.records]
        found |= {record.source_id: source.read(record.payload).crystal for record in page.records}
        missing |= page.missing
        waiting = [*page.following, *waiting]
    return found, missing


def same(one: Crystal, other: Crystal, within: float = 1e-6) -> bool:
    """The same cell by its metric (a CIF keeps no orientation), the same sites in the same order."""
    metric = [crystal.lattice @ crystal.lattice.T for crystal in (one, other)]
    shift = one.positions - other.positions
    return (
        np.allclose(*metric, rtol=1e-4, atol=within)
        and np.array_equal(one.numbers, other.numbers)
        and np.abs(shift - np.round(shift)).max() < 1e-4
    )


@given(crystals(), crystals())
def test_crystals_come_out_of_every_format_as_they_went_in(tmp_path_factory, one, two):
    root = tmp_path_factory.mktemp("own")
    (root / "one.cif").write_text(as_cif(one))
    (root / "two.cif").write_text(as_cif(one, "first") + as_cif(two, "second"))
    (root / "POSCAR").write_text(as_poscar(one))
    (root / "two.vasp").write_text(as_poscar(two))
    (root / "one.extxyz").write_text(as_extxyz(one))
    (root / "two.xyz").write_text(as_extxyz(one) + as_extxyz(two))
    (root / "both.jsonl").write_text(HEADER + as_optimade(one, "a") + as_optimade(two, 7))
    found, missing = read(root)
    expected = {
        "one.cif": one, "two.cif#first": one, "two.cif#second": two, "POSCAR": one, "two.vasp": two, "one.extxyz": one,
        "two.xyz#1": one, "two.xyz#2": two, "both.jsonl#a": one, "both.jsonl#7": two,
    }  # fmt: skip
    assert not missing and set(found) == set(expected)
    assert all(same(found[name], crystal) for name, crystal in expected.items())


def test_the_samples_come_out_of_every_format_as_they_went_in(tmp_path):
    told = [one.crystal for one in sample.sample_crystals()[:40]]
    for number, crystal in enumerate(told):
        (tmp_path / f"{number:02d}.cif").write_text(as_cif(crystal))
        (tmp_path / f"POSCAR_{number:02d}").write_text(as_poscar(crystal))
    (tmp_path / "all.extxyz").write_text("".join(map(as_extxyz, told)))
    (tmp_path / "all.jsonl").write_text(HEADER + "".join(as_optimade(c, str(n)) for n, c in enumerate(told)))
    found, missing = read(tmp_path)
    assert len(found) == 4 * len(told) and not missing
    for number, crystal in enumerate(told):
        for name in (f"{number:02d}.cif", f"all.extxyz#{number + 1}", f"all.jsonl#{number}"):
            assert same(found[name], crystal), name
        assert found[f"POSCAR_{number:02d}"].counts == crystal.counts


def test_payloads_hold_the_text_verbatim_and_fields_what_it_says(tmp_path):
    texts = {
        "a.cif": as_cif(SALT), "CONTCAR": as_poscar(SALT), "b.extxyz": as_extxyz(SALT, energy=-7.5, note="two words"),
    }  # fmt: skip
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    line = as_optimade(SALT, "mine", _me_band_gap=4.5)
    (tmp_path / "c.jsonl").write_text(HEADER + line)
    source = made(tmp_path)
    [unit] = source.plan(WHOLE)
    payloads = {record.source_id: record.payload for record in source.fetch(unit, {}).records}
    told = {name: orjson.loads(payload)["text"] for name, payload in payloads.items()}
    assert told == {**texts, "c.jsonl#mine": line}
    fields = {name: source.fields(payload) for name, payload in payloads.items()}
    assert fields["b.extxyz"]["energy"] == -7.5 and fields["b.extxyz"]["note"] == "two words"
    assert fields["c.jsonl#mine"]["_me_band_gap"] == 4.5
    assert fields["a.cif"]["_cell_length_a"] == pytest.approx(4.2)
    assert all(fields[name]["file"] == name.split("#")[0] for name in fields)


def test_level_and_licence_are_what_the_settings_say(tmp_path):
    (tmp_path / "POSCAR").write_text(as_poscar(SALT))
    source = made(tmp_path, folder_level="PBE", folder_licence="CC0-1.0")
    record = source.fetch(next(source.plan(WHOLE)), {}).records[0]
    entry = source.read(record.payload)
    assert (entry.level_of_theory, entry.licence, entry.kind) == ("PBE", "CC0-1.0", "bulk")
    plain = made(tmp_path).read(record.payload)
    assert (plain.level_of_theory, plain.licence) == ("not stated", "not stated")


def test_ids_do_not_change_when_other_files_come(tmp_path):
    (tmp_path / "m.xyz").write_text(as_extxyz(SALT) * 2)
    before = set(read(tmp_path)[0])
    (tmp_path / "a").mkdir()
    for name in ("a/POSCAR", "z.cif", "m.extxyz"):
        (tmp_path / name).write_text({"a/POSCAR": as_poscar, "z.cif": as_cif, "m.extxyz": as_extxyz}[name](SALT))
    assert set(read(tmp_path)[0]) == before | {"a/POSCAR", "z.cif", "m.extxyz"}


def test_a_crawl_keeps_what_is_new_and_buries_what_is_gone(tmp_path):
    lake, own = Lake(tmp_path / "lake"), tmp_path / "own"
    own.mkdir()
    for number in range(1, 21):
        (own / f"{number:02d}.cif").write_text(as_cif(Crystal(SALT.lattice + number / 64, SALT.positions, [12, 8])))
    assert crawl(lake, made(own)).added == 20
    assert crawl(lake, made(own)).state == "unchanged"
    (own / "01.cif").write_text(as_cif(Crystal(SALT.lattice * 1.5, SALT.positions, [12, 8])))
    (own / "02.cif").unlink()
    (own / "new.extxyz").write_text(as_extxyz(SALT))
    report = crawl(lake, made(own))
    assert (report.state, report.added, report.changed, report.gone) == ("published", 1, 1, 1)
    write_entries(lake, made(own))
    now = entries(lake, "folder")
    assert set(now) == {f"{n:02d}.cif" for n in range(1, 21) if n != 2} | {"new.extxyz"}
    assert now["01.cif"]["volume"] == pytest.approx(SALT.volume * 1.5**3, rel=1e-4)


def test_bad_files_are_told_with_their_reason_and_the_others_go_on(tmp_path, monkeypatch):
    lake, own = Lake(tmp_path / "lake"), tmp_path / "own"
    own.mkdir()
    (own / "a-good.cif").write_text(as_cif(SALT))
    (own / "broken.extxyz").write_text(as_extxyz(SALT) * 2 + "7\nbreaks off\n")
    (own / "no.jsonl").write_text('{"id": 1}\n')
    (own / "half.jsonl").write_text(HEADER + as_optimade(SALT, "good") + '{"id": "half", "type": "str\n'
                                    + '{"type": "structures"}\n' + as_optimade(SALT, "last"))  # fmt: skip
    (own / "large.cif").write_text(as_cif(SALT) + "#" * 9000)
    (own / "secret.cif").write_text(as_cif(SALT))
    (own / "z-good.vasp").write_text(as_poscar(SALT))
    monkeypatch.setattr(folder_files, "LARGEST_FILE", 8000)
    opened = os.open

    def refusing(path, *how, **more):
        if str(path).endswith("secret.cif"):  # as it is to anybody but root
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *how, **more)

    monkeypatch.setattr(os, "open", refusing)
    report = crawl(lake, made(own))
    good = {"a-good.cif", "broken.extxyz#1", "broken.extxyz#2", "half.jsonl#good", "half.jsonl#last", "z-good.vasp"}
    assert report.state == "published" and {source_id for source_id, _ in versions(lake, "folder")} == good
    told = {page.split("#", 1)[1] for page in ledger(lake, "folder", "missing")}
    assert {"broken.extxyz", "large.cif", "no.jsonl", "secret.cif"} < told
    assert len([name for name in told if name.startswith("half.jsonl#byte=")]) == 2


VASP4 = "MgO\n1.0\n4.2 0 0\n0 4.2 0\n0 0 4.2\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n"


@pytest.mark.parametrize(
    "name, text, why",
    [
        ("POSCAR", VASP4, "must name its elements"),
        ("POSCAR", "nothing\n", "must parse"),
        ("molecule.xyz", "2\nwater without a cell\nO 0 0 0\nH 0 0 1\n", "three directions"),
        ("layer.extxyz", '1\nLattice="4 0 0 0 4 0 0 0 9" pbc="T T F"\nC 0 0 0\n', "three directions"),
        ("wire.jsonl", HEADER + as_optimade(SALT, nperiodic_dimensions=1), "three directions"),
        ("gap.jsonl", HEADER + as_optimade(SALT, species_at_sites=["Mg-site", "vacancy"]), "vacancy"),
        ("over.jsonl", HEADER + as_optimade(SALT, species=[{"name": "Mg-site", "chemical_symbols": ["Mg", "Fe"],
                                                            "concentration": [0.8, 0.5]}, OXYGEN]), "sum to 1 or less"),
        ("under.jsonl", HEADER + as_optimade(SALT, species=[{"name": "Mg-site", "chemical_symbols": ["Mg"],
                                                             "concentration": [-0.5]}, OXYGEN]), "found -0.5"),
        ("none.jsonl", HEADER + as_optimade(SALT, species=[{"name": "Mg-site", "chemical_symbols": ["Mg", "Fe"],
                                                            "concentration": [0.5]}, OXYGEN]), "as OPTIMADE defines"),
        ("odd.jsonl", HEADER + as_optimade(SALT, species=[3]), "as OPTIMADE defines"),
        ("empty.cif", "data_x\n_cell_length_a 4\n", "cell|atoms"),
    ],
)  # fmt: skip
def test_what_is_no_crystal_is_kept_and_refused_by_name(tmp_path, name, text, why):
    (tmp_path / name).write_text(text)
    source = made(tmp_path)
    [record] = source.fetch(next(source.plan(WHOLE)), {}).records
    with pytest.raises(ValueError, match=why):
        source.read(record.payload)


@pytest.mark.parametrize(
    "symbols, shares, label",
    [(["Fe", "Mg"], [0.5, 0.5], "Mg0.5Fe0.5"), (["Mg", "vacancy"], [0.7, 0.3], "Mg0.7"), (["Mg"], [0.5], "Mg0.5")],
)
def test_shared_and_partly_empty_sites_make_a_disordered_crystal(tmp_path, symbols, shares, label):
    species = [{"name": "Mg-site", "chemical_symbols": symbols, "concentration": shares}, OXYGEN]
    (tmp_path / "mix.jsonl").write_text(HEADER + as_optimade(SALT, species=species))
    source = made(tmp_path)
    [record] = source.fetch(next(source.plan(WHOLE)), {}).records
    assert set(source.read(record.payload).crystal.checked().species) == {label, "O"}


def test_links_hidden_and_other_files_are_left_alone_and_counted(tmp_path):
    own, outside = tmp_path / "own", tmp_path / "outside"
    for folder_ in (own / "deep", outside, own / ".git"):
        folder_.mkdir(parents=True)
    for path in (own / "deep/a.cif", outside / "secret.cif", own / ".git/b.cif", own / ".hidden.cif"):
        path.write_text(as_cif(SALT))
    (own / "out.cif").symlink_to(outside / "secret.cif")
    (own / "away").symlink_to(outside)
    (own / "round").symlink_to(own)
    (own / "notes.pkl").write_bytes(b"never opened")
    os.mkfifo(own / "pipe.cif")
    (own / "two\nlines.cif").write_text(as_cif(SALT))
    assert set(read(own)[0]) == {"deep/a.cif"}
    note = made(own).forecast(WHOLE).note
    assert "1 cif below" in note and "2 files of other kinds, 3 hidden, 3 links" in note


def test_a_file_that_became_a_link_since_it_was_listed_is_not_opened(tmp_path):
    (tmp_path / "a.cif").write_text(as_cif(SALT))
    source = made(tmp_path)
    [unit] = source.plan(WHOLE)
    (tmp_path / "a.cif").unlink()
    (tmp_path / "a.cif").symlink_to("/etc/passwd")
    page = source.fetch(unit, {})
    assert not page.records and "a.cif" in page.missing


@pytest.mark.parametrize("kind", ["extxyz", "jsonl"])
def test_large_files_come_in_pages_that_follow_each_other(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(folder, "BYTES_PER_UNIT", 700)
    one = [as_extxyz(SALT) if kind == "extxyz" else as_optimade(SALT, str(n)) for n in range(1, 12)]
    (tmp_path / f"a.{kind}").write_text("".join(one) if kind == "extxyz" else HEADER + "".join(one))
    (tmp_path / "b.cif").write_text(as_cif(SALT))
    lake = Lake(tmp_path / "lake-of-it")
    report = crawl(lake, made(tmp_path))
    assert {source_id for source_id, _ in versions(lake, "folder")} == {f"a.{kind}#{n}" for n in range(1, 12)} | {
        "b.cif"
    }
    assert report.units > 3 and report.state == "published"


def test_a_large_file_that_is_written_to_in_between_is_read_again_from_its_beginning(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "BYTES_PER_UNIT", 700)
    (tmp_path / "a.extxyz").write_text(as_extxyz(SALT) * 9)
    source = made(tmp_path)
    [unit] = source.plan(WHOLE)
    [rest] = source.fetch(unit, {}).following
    (tmp_path / "a.extxyz").write_text("\n" + as_extxyz(SALT) * 9)
    assert source.fetch(rest, {}).records[0].source_id == "a.extxyz#1"


def test_a_unit_is_named_by_its_files_so_that_a_moving_folder_loses_none(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "FILES_PER_UNIT", 2)
    for name in "abcd":
        (tmp_path / f"{name}.cif").write_text(as_cif(SALT))
    before = [unit.key for unit in made(tmp_path).plan(WHOLE)]
    (tmp_path / "a.cif").unlink()
    after = [unit.key for unit in made(tmp_path).plan(WHOLE)]
    assert not set(before) & set(after)
    assert before == sorted(set(before)) and len(before) == len(after) == 2


def test_halves_hold_the_same_files_down_to_one(tmp_path):
    for name in "abcde":
        (tmp_path / f"{name}.cif").write_text(as_cif(SALT))
    source = made(tmp_path)
    [unit] = source.plan(WHOLE)

    def singles(unit: Unit) -> list[Unit]:
        pieces = source.halves(unit)
        assert bool(pieces) != unit.alone
        return [one for piece in pieces for one in singles(piece)] if pieces else [unit]

    alone = [record for one in singles(unit) for record in source.fetch(one, {}).records]
    assert alone == source.fetch(unit, {}).records and len(alone) == 5


def test_a_scope_keeps_what_holds_its_elements(tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "salt.cif").write_text(as_cif(SALT))
    (own / "iron.cif").write_text(as_cif(Crystal(3 * np.eye(3), [[0, 0, 0]], [26])))
    (own / "bad.xyz").write_text("1\nno cell\nO 0 0 0\n")
    lake = Lake(tmp_path / "lake")
    assert crawl(lake, made(own), Scope(elements=("O",))).records_seen == 1
    assert crawl(lake, made(own), Scope(chemsys=("Fe",))).records_seen == 1
    assert crawl(lake, made(own), Scope(limit=2)).records_seen == 2


def test_a_folder_that_is_not_there_is_down_and_says_so(tmp_path):
    for source in (made(tmp_path / "nowhere"), source_named("folder", Settings())):
        for ask in (source.marker, source.alive, lambda s=source: list(s.plan(WHOLE))):
            with pytest.raises(SourceDown, match="folder"):
                ask()
    with pytest.raises(SourceDown, match="--path DIR"):
        source_named("folder", Settings()).marker()


def test_records_are_whole_so_there_is_no_column_to_fetch(tmp_path):
    with pytest.raises(ValueError, match="whole"):
        made(tmp_path).column("energy", {})


def test_the_folder_stands_beside_the_databases_and_is_none_of_them():
    assert (*NAMES, "folder") == EVERY and len(NAMES) == 6


@given(st.lists(st.sampled_from(["data_a", "data_b", "_atom_site_fract_x 0", "; data_c", ";", "x", ""]), max_size=20))
def test_cutting_a_cif_loses_no_block_with_atoms(lines):
    text = "\n".join(lines)
    blocks = folder_files.cif_blocks(text)
    names = [name for name, _ in blocks]
    assert len(set(names)) == len(names)
    assert all(block in text for _, block in blocks)
    if len(blocks) > 1:
        assert all(block.lower().count("_atom_site_fract_x") for _, block in blocks)


@pytest.mark.skipif(not WIRE.is_dir(), reason=f"recorded answers of the real services are not at {WIRE}")
def test_recorded_cifs_below_a_folder_are_entries_or_refused_by_name():
    source = made(WIRE / "cod/cif")
    units = list(source.plan(WHOLE))
    records = [record for unit in units for record in source.fetch(unit, {}).records]
    read_, refused = 0, 0
    for record in records:
        try:
            source.read(record.payload)
            read_ += 1
        except CrystalError as fault:
            refused += 1
            assert str(fault)
    assert read_ > 30 and read_ + refused == len(records) >= 98
