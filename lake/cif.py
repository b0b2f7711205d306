"""CIF text to crystals and to fields, by gemmi. What a CIF cannot tell us is told as the reason of a CrystalError.

What belongs here: reading crystals out of a CIF, ordered ones and disordered ones apart, and refusing all others by
name: dummy atoms, missing hydrogens, impossible occupancies and the rest of `lake/refusal.py`, whose words every reason
begins with. Nothing is averaged. Where CIFs come from belongs to `lake/sources`.

Data names are those of the IUCr's core dictionary; those of COD are used as its own cod-tools use them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import lru_cache

import gemmi
import numpy as np
from gemmi.cif import Block, Document, as_number, as_string, is_null, read_string

from lake.crystal import NUMBER, SMALLEST_DISTANCE, SYMBOLS, Crystal, CrystalError
from lake.disordered import SAME_POSITION, DisorderedCrystal
from lake.refusal import Refusal
from lake.symmetry import (
    Operations,
    expanded,
    operations_listed,
    operations_of_hall,
    operations_of_hermann_mauguin,
)

FULL = 0.995  # occupancies above this are full: rounding in print
WHOLE = {"1", "1.0", "1.00", "?", "."}  # how full occupancies are mostly written; one that is not told is full
CELL = (*(f"_cell_length_{x}" for x in "abc"), *(f"_cell_angle_{x}" for x in ("alpha", "beta", "gamma")))
SMALLEST_VOLUME = 1e-6  # A^3; below it, lengths and angles span nothing
FAR = 1000  # cells; no coordinate is as large
FORMULA_TOLERANCE = 0.05  # by which an element's share may differ from the formula before atoms count as missing

# COD's own words on an entry that does not stand.
STANDING = ("_cod_error_flag", "_[local]_cod_error_flag", "_cod_entry_issue_severity")
RETRACTED = {"retracted", "retraction"}
ERRONEOUS = {"errors", "error"}
OPERATIONS = ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz")
HALL = ("_space_group_name_Hall", "_symmetry_space_group_name_Hall")
HERMANN_MAUGUIN = ("_space_group_name_H-M_alt", "_symmetry_space_group_name_H-M")
JOURNAL_YEAR = "_journal_year"
DETERMINATION = ("_cod_structure_determination_method", "_cod_struct_determination_method")

VACANCIES = ("Va", "Vac", "VAC", "vac", "Vacancy", "vacancy")  # `VA` may be the vanadium of site A
WATERS = ("Wat", "WAT", "wat")  # the American Mineralogist's label of a whole molecule: oxygen, hydrogens unseen
ELEMENTS = frozenset(SYMBOLS[1:])
UNTOLD = {"?", "."}
DISORDER = (("disorder_group", "groups"), ("disorder_assembly", "assemblies"))
ORDERED = {"", ".", "?", "0"}  # what stands for no disorder group
NO_ORDER = tuple(f"{kind}: " for kind in (Refusal.DISORDER, Refusal.MIXED_OCCUPANCY, Refusal.PARTIAL_OCCUPANCY))
LETTERS = re.compile(r"[^\W\d_]*")
NOTHING: frozenset[str] = frozenset()

Columns = Callable[[str], Sequence[str]]


def cif_text(body: bytes) -> str:
    """A CIF's bytes as text: UTF-8, else Windows-1252, else Latin-1; without a byte order mark, lines end in `\\n`.

    CIF 1.1 is ASCII and CIF 2.0 is UTF-8; older files carry degree signs and names in the code page of their time.
    """
    for encoding in ("utf-8-sig", "cp1252", "latin-1"):  # the last one reads any bytes
        try:
            text = body.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    return text.replace("\r\n", "\n").replace("\r", "\n")


def crystal_from_cif(text: str) -> Crystal:
    """The first structure of a CIF, symmetry expanded, in the CIF's own cell.

    Raises CrystalError, its message beginning with the words of a Refusal, for all that is not one ordered crystal.
    """
    return _crystal(_block(_document(text)))


def structure_from_cif(text: str) -> Crystal | DisorderedCrystal:
    """The first structure of a CIF, ordered or not: where sites are shared or partly empty, a DisorderedCrystal.

    Raises CrystalError, its message beginning with the words of a Refusal, for what is neither.
    """
    block = _block(_document(text))
    try:
        return _crystal(block)
    except CrystalError as refused:
        if not str(refused).startswith(NO_ORDER):
            raise
        return _disordered(block, refused)


def crystals_from_cif(text: str) -> list[tuple[str, Crystal | CrystalError]]:
    """Every structure of a CIF in its order: the name of its data block, and the crystal or why it is refused.

    Blocks without cell and coordinates (the words of a publication) are none; where all are, the first tells why.
    Raises CrystalError for text that is no CIF.
    """
    document = _document(text)
    blocks = [block for block in document if _has_atoms(block) or block.find_value(CELL[0])]
    return [(block.name.strip(), _crystal_or_refusal(block)) for block in blocks or [document[0]]]


def cif_fields(text: str) -> dict[str, object]:
    """A CIF's single values by data name: numbers without their uncertainty, text as it stands; no loops.

    Raises CrystalError for text that is no CIF.
    """
    fields: dict[str, object] = {}
    for item in _block(_document(text)):
        pair = item.pair
        if pair is None or is_null(pair[1]):
            continue
        name, raw = pair
        number = as_number(raw)
        fields[name] = as_string(raw) if math.isnan(number) else number
    return fields


def determination(text: str) -> str | None:
    """How the structure was found, in COD's words: `theoretical`, `powder diffraction`, `single crystal`; or None.

    As COD fills the column `method` of its table: by its own data name, else powder where any `_pd_` name stands, else
    single crystal where the number of crystals does. Raises CrystalError for text that is no CIF.
    """
    block = _block(_document(text))
    told = [as_string(raw).lower() for name in DETERMINATION for raw in _values(block, name)]
    told = [method for method in told if method]
    if told:
        return "theoretical" if "theoretical" in told else told[0]
    if any(name.lower().startswith("_pd_") for name in _data_names(block)):
        return "powder diffraction"
    return "single crystal" if block.find_value("_exptl_crystals_number") else None


def publication_year(text: str) -> str | None:
    """What the journal's year is said to be, as it stands, in the first block that tells it; or None.

    Raises CrystalError for text that is no CIF.
    """
    told = (as_string(raw) for block in _document(text) for raw in _values(block, JOURNAL_YEAR) if not is_null(raw))
    return next(told, None)


def _document(text: str) -> Document:
    """The parsed text, with one data block at least."""
    try:
        document = read_string(text) if text.isascii() else _parsed(text)
    except (ValueError, RuntimeError) as fault:
        raise Refusal.NO_CIF.told(f"a CIF must parse, found {' '.join(str(fault).split())}") from None
    if not len(document):
        raise Refusal.NO_CIF.told("a CIF needs a data block, found none")
    return document


def _parsed(text: str) -> Document:
    """Text that is not ASCII: gemmi takes it in quotes and comments; elsewhere it is read as its escape."""
    try:
        return read_string(text.encode())
    except ValueError:
        return read_string(text.encode("ascii", "backslashreplace"))


def _block(document: Document) -> Block:
    """The first block with atoms, else the first block."""
    if len(document) > 1:
        return next((block for block in document if _has_atoms(block)), document[0])
    return document[0]


def _has_atoms(block: Block) -> bool:
    return len(block.find_values("_atom_site_fract_x")) > 0


def _data_names(block: Block) -> Iterable[str]:
    for item in block:
        if item.pair is not None:
            yield item.pair[0]
        elif item.loop is not None:
            yield from item.loop.tags


def _crystal_or_refusal(block: Block) -> Crystal | CrystalError:
    try:
        return _crystal(block)
    except CrystalError as refusal:
        return refusal


def _crystal(block: Block) -> Crystal:
    _refuse_withdrawn(block)
    cell, lattice = _cell(block)
    if as_number(as_string(block.find_value("_cell_modulation_dimension") or "")) > 0:
        raise Refusal.MODULATED.told("a crystal must repeat with its cell, found a modulated structure's average")
    column = _columns(block)
    formula = as_string(block.find_value("_chemical_formula_sum") or "")
    symbols, sites = _sites(column, formula)
    operations = _operations(block, cell)
    if len(operations) > 1:
        sites, owners = expanded(sites, operations, lattice)
        symbols = [symbols[owner] for owner in owners.tolist()]
    _refuse_unlocated(symbols, formula, column)
    return Crystal(lattice, sites, list(map(NUMBER.__getitem__, symbols)))


def _disordered(block: Block, refused: CrystalError) -> DisorderedCrystal:
    """The structure of a block that was refused for its disorder; raises that again where too little is told."""
    cell, lattice = _cell(block)
    column = _columns(block)
    formula = as_string(block.find_value("_chemical_formula_sum") or "")
    positions = _positions([column("fract_x"), column("fract_y"), column("fract_z")], column)
    names, symbols = _symbols(column, len(positions), formula)
    raw = column("occupancy") or ["1"] * len(positions)
    if len(raw) != len(positions):
        raise refused
    read = _shares(raw)
    shares = np.array([read.get(share, 1.0) for share in raw]).clip(max=1.0)
    _refuse_alternatives_at_once(column, shares)
    empty = [_letters(name) in VACANCIES for name in names]
    there = np.flatnonzero((shares > 0) & ~np.array(empty))
    for atom in there:
        if not symbols[atom]:
            raise _nameless(names[atom])
    sites, owners = _all_atoms(positions[there], shares[there], _operations(block, cell), lattice)
    found, shares = [symbols[there[owner]] for owner in owners], shares[there][owners]
    try:
        crystal = DisorderedCrystal.of_atoms(lattice, sites, found, shares.tolist())
    except CrystalError as fault:
        raise Refusal.IMPOSSIBLE_OCCUPANCY.told(str(fault)) from None
    if ELEMENTS.issuperset(crystal.species):
        raise refused
    amounts: Counter[str] = Counter()  # as told: labels are rounded
    for symbol, share in zip(found, shares.tolist(), strict=True):
        amounts[symbol] += share
    _refuse_other_amounts(amounts, formula, column)
    return crystal


def _all_atoms(
    positions: np.ndarray, shares: np.ndarray, operations: Operations, lattice: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Every atom in one cell (n, 3), and which of the listed ones each is.

    An atom that is not always there may be near its own image: they exclude each other. One that is, may not.
    """
    sites, owners = [], []
    for some, nearest in ((shares >= FULL, SMALLEST_DISTANCE), (shares < FULL, SAME_POSITION)):
        if some.any():
            images, of = expanded(positions[some], operations, lattice, nearest)
            sites.append(images)
            owners.append(np.flatnonzero(some)[of])
    return np.concatenate(sites), np.concatenate(owners)


def _refuse_alternatives_at_once(column: Columns, shares: np.ndarray) -> None:
    """Raise where an atom of one of several disorder groups is told to be always there, or its share is not told."""
    groups, assemblies = ([as_string(part) for part in column(name)] for name, _ in DISORDER)
    if len(groups) != len(shares):
        return
    if len(assemblies) != len(shares):
        assemblies = [""] * len(shares)
    parts = {part for part in zip(assemblies, groups, strict=True) if part[1] not in ORDERED}
    several = Counter(assembly for assembly, _ in parts)
    for part, share in zip(zip(assemblies, groups, strict=True), shares, strict=True):
        if part in parts and several[part[0]] > 1 and share >= FULL:
            raise Refusal.DISORDER.told(
                f"alternatives must exclude each other, found an atom of disorder group {part[1]} that is always there"
            )


def _refuse_withdrawn(block: Block) -> None:
    for name in STANDING:
        for raw in _values(block, name):
            said = as_string(raw)
            if said.lower() in RETRACTED:
                raise Refusal.WITHDRAWN.told(f"an entry must stand, found {name} {said}")
            if said.lower() in ERRONEOUS:
                raise Refusal.KNOWN_ERRORS.told(f"an entry must stand, found {name} {said}")


def _cell(block: Block) -> tuple[gemmi.UnitCell, np.ndarray]:
    """The cell, and its vectors as rows (3, 3) in A: a lies along x, b in the plane of x and y."""
    values = _numbers([block.find_value(name) or "?" for name in CELL])
    if min(values) > 0 and max(values[3:]) < 180:
        cell = gemmi.UnitCell(*values)
        if SMALLEST_VOLUME < cell.volume < math.inf:  # not so NaN
            return cell, np.array(cell.orth.mat.tolist()).T
    absent = [name for name, value in zip(CELL, values, strict=True) if not value > 0]
    if absent:
        raise Refusal.NO_CELL.told(f"a crystal needs a cell, found no usable {', '.join(absent)}")
    raise Refusal.NO_CELL.told(f"cell lengths and angles must span a volume, found {values}")


def _operations(block: Block, cell: gemmi.UnitCell) -> Operations:
    """Symmetry as listed, else by Hall symbol, else by Hermann-Mauguin symbol."""
    for name in OPERATIONS:
        if listed := _values(block, name):
            return _listed(tuple(listed))
    for name in HALL:
        if known := operations_of_hall(as_string(block.find_value(name) or "")):
            return known
    for name in HERMANN_MAUGUIN:
        symbol = as_string(block.find_value(name) or "")
        if known := operations_of_hermann_mauguin(symbol, cell.alpha, cell.gamma):
            return known
    raise Refusal.NO_SYMMETRY.told(
        "a crystal needs its symmetry, found neither operations nor a space group symbol that is known"
    )


@lru_cache(maxsize=512)
def _listed(raw: tuple[str, ...]) -> Operations:
    return operations_listed(tuple(map(as_string, raw)))


def _values(block: Block, name: str) -> Sequence[str]:
    """The raw values of a data name, in a loop or a pair; a loop's are taken at once, walking its column is slow."""
    item = block.find_loop_item(name)
    if item is None:
        value = block.find_value(name)
        return (value,) if value else ()
    loop = item.loop
    return loop.values[_places(tuple(loop.tags))[name.lower()]]


@lru_cache(maxsize=4096)
def _places(names: tuple[str, ...]) -> dict[str, slice]:
    """Where a loop's columns lie among its values, by data name in small letters; many loops have the same header."""
    return {name.lower(): slice(place, None, len(names)) for place, name in enumerate(names)}


def _numbers(raw: Sequence[str]) -> list[float]:
    """Raw values as numbers, without their uncertainty; NaN for what is none."""
    numbers = list(map(as_number, raw))
    if math.isnan(sum(numbers)):  # some stand in quotes, or are no numbers
        return [as_number(as_string(value)) for value in raw]
    return numbers


def _columns(block: Block) -> Columns:
    """The columns of the table of atoms, raw, by the end of their data name; empty where there is none.

    The loop that holds the coordinates is read once. A column may also stand in a loop of its own, or as a pair.
    """
    item = block.find_loop_item("_atom_site_fract_x")
    loop = item.loop if item else None
    places, values = (_places(tuple(loop.tags)), loop.values) if loop else ({}, [])

    def column(name: str) -> Sequence[str]:
        name = "_atom_site_" + name
        return values[places[name]] if name in places else _values(block, name)

    return column


def _sites(column: Columns, formula: str) -> tuple[list[str], np.ndarray]:
    """Element symbols (n) and fractional positions (n, 3) of the listed atoms, every one ordered and real."""
    x, y, z = axes = [column("fract_x"), column("fract_y"), column("fract_z")]
    if not (x and y and z):
        raise Refusal.NO_COORDINATES.told("a crystal needs atoms, found no _atom_site_fract_x, y, z")
    if not len(x) == len(y) == len(z):
        raise Refusal.NO_COORDINATES.told("atoms need three coordinates each, found columns of different length")
    _refuse_dummies_and_disorder(column)
    positions = _positions(axes, column)
    names, symbols = _symbols(column, len(x), formula)
    _refuse_partial(column("occupancy"), positions, symbols)
    if "" in symbols:
        raise _nameless(names[symbols.index("")])
    if len(set(zip(x, y, z))) < len(x):  # noqa: B905 - of one length, as told above
        _refuse_mixed(zip(x, y, z, strict=True), symbols, "full occupancies")
    return symbols, positions


def _refuse_dummies_and_disorder(column: Columns) -> None:
    flags = column("calc_flag")
    if flags and "dum" in {as_string(flag).lower() for flag in set(flags)}:
        raise Refusal.DUMMY_ATOMS.told("atoms must be real, found dummy atoms (_atom_site_calc_flag dum)")
    for name, parts in DISORDER:
        told = column(name)
        found = told and {as_string(part) for part in set(told)} - ORDERED
        if found:
            raise Refusal.DISORDER.told(f"sites must be ordered, found the disorder {parts} {', '.join(sorted(found))}")


def _positions(axes: Sequence[Sequence[str]], column: Columns) -> np.ndarray:
    numbers = _numbers([*axes[0], *axes[1], *axes[2]])
    count = len(axes[0])
    positions = np.array(numbers).reshape(3, count).T
    if math.hypot(*numbers) < FAR:
        return positions
    told = (abs(positions) < FAR).all(axis=1)
    if told.all():
        return positions
    labels = _labels(column, count)
    unknown = ", ".join(labels[site] or f"atom {site + 1}" for site in np.flatnonzero(~told)[:5])
    raise Refusal.NO_COORDINATES.told(f"atoms need numbers below {FAR} as coordinates, found none for {unknown}")


def _labels(column: Columns, count: int) -> list[str]:
    """The sites' labels, empty where a site has none."""
    labels = [as_string(raw) for raw in column("label")]
    return labels if len(labels) == count else [""] * count


def _symbols(column: Columns, count: int, formula: str) -> tuple[Sequence[str], list[str]]:
    """What names the sites' elements, and the elements, empty where a name has none.

    Type symbols where all are told; else labels, which the formula helps to read: CA1 is carbon where it has no Ca.
    """
    names, known = column("type_symbol"), NOTHING
    if len(names) == count and ELEMENTS.issuperset(names):
        return names, names
    if len(names) != count or not UNTOLD.isdisjoint(names):
        names, known = _labels(column, count), frozenset(_amounts(formula))
    symbols = {name: _symbol(name, known) for name in set(names)}
    return names, list(map(symbols.__getitem__, names))


@lru_cache(maxsize=1 << 16)
def _symbol(name: str, known: frozenset[str]) -> str:
    """The element in a type symbol or label (`Fe3+`, `O12A`), of two that fit the known one; empty where none is."""
    letters = _letters(name)
    if letters in VACANCIES or letters in WATERS:
        return ""
    fitting = [symbol for symbol in (letters[:2].capitalize(), letters[:1].upper()) if symbol in NUMBER]
    if not fitting:
        return ""
    chosen = next((symbol for symbol in fitting if symbol in known), fitting[0])
    return SYMBOLS[NUMBER[chosen]]  # deuterium is hydrogen


def _letters(name: str) -> str:
    return LETTERS.match(as_string(name).strip())[0]


def _nameless(name: str) -> CrystalError:
    """Why a site has no element."""
    if _letters(name) in VACANCIES:
        return Refusal.VACANCIES.told(f"sites must hold an atom, found {name!r}")
    if _letters(name) in WATERS:
        return Refusal.MISSING_HYDROGENS.told(f"sites must be atoms, found {name!r}, a molecule of water")
    return Refusal.UNKNOWN_ELEMENT.told(f"sites must be elements, found {name!r}")


def _refuse_partial(occupancies: Sequence[str], positions: np.ndarray, symbols: Sequence[str]) -> None:
    """Raise where a site is not fully occupied; an occupancy that is not told is a full one."""
    if WHOLE.issuperset(occupancies):
        return
    shares = _shares(occupancies)
    strange = {share for share in shares.values() if share < FULL}
    if not strange:
        return
    if strange == {0}:
        raise Refusal.VACANCIES.told("sites must hold an atom, found an occupancy of 0")
    told = [shares.get(raw, 1.0) for raw in occupancies]
    share = next(share for share in told if 0 < share < FULL)
    if len(told) == len(symbols):
        partial = [site for site, share in enumerate(told) if share < FULL]
        places = np.round(np.round(positions[partial], 3) % 1.0, 3).tolist()
        _refuse_mixed(map(tuple, places), [symbols[site] for site in partial], f"an occupancy of {share:g}")
    raise Refusal.PARTIAL_OCCUPANCY.told(f"sites must be fully occupied, found an occupancy of {share:g}")


def _shares(occupancies: Sequence[str]) -> dict[str, float]:
    """Occupancies that are not plainly full, by what is written; raises CrystalError for impossible ones."""
    shares = {raw: as_number(as_string(raw)) for raw in set(occupancies) - WHOLE}
    unread = sorted(raw for raw, share in shares.items() if math.isnan(share))
    if unread:
        raise Refusal.IMPOSSIBLE_OCCUPANCY.told(f"occupancies must be numbers, found {', '.join(unread)}")
    impossible = [share for share in shares.values() if not 0 <= share <= 2 - FULL]
    if impossible:
        raise Refusal.IMPOSSIBLE_OCCUPANCY.told(
            f"occupancies run from 0 and end at 1, found {max(impossible, key=abs):g}"
        )
    return shares


def _refuse_mixed(places: Iterable[Hashable], symbols: Sequence[str], found: str) -> None:
    """Raise where two elements share one of these places."""
    elements: dict[Hashable, str] = {}
    for place, symbol in zip(places, symbols, strict=True):
        other = elements.setdefault(place, symbol)
        if other != symbol and other and symbol:
            raise Refusal.MIXED_OCCUPANCY.told(
                f"sites must be fully occupied by one element, found {other} and {symbol} at one position, and {found}"
            )


def _refuse_unlocated(symbols: Sequence[str], formula: str, column: Columns) -> None:
    """Raise where the atoms are not in the formula's proportions: hydrogens left out, sites not located."""
    if {f"{symbol}{symbols.count(symbol)}" for symbol in set(symbols)} == set(formula.split()):
        return  # the whole cell's formula, as P 1 files have it
    _refuse_other_amounts(Counter(symbols), formula, column)


def _refuse_other_amounts(found: Mapping[str, float], formula: str, column: Columns) -> None:
    """The same of the amounts of each element in the cell, 0 where one is absent."""
    told = _amounts(formula)
    if not told:
        attached = map(as_string, column("attached_hydrogens"))
        if "H" not in found and any(as_number(count) > 0 for count in attached):
            raise Refusal.MISSING_HYDROGENS.told("atoms must be listed, found only _atom_site_attached_hydrogens")
        return
    if told.keys() != found.keys():
        raise _unlocated(found, told).told(
            f"atoms must be those of the formula, found {' '.join(sorted(found))} where it says {' '.join(told)}: "
            "atoms were not located, or the formula is wrong"
        )
    if not _agree(found, told):
        atoms, units = sum(found.values()), sum(told.values())
        element = max(told, key=lambda e: abs(found[e] * units / (told[e] * atoms) - 1))
        raise _unlocated(found, told).told(
            f"atoms must be in the formula's proportions, found {found[element] / atoms:.3f} {element} per atom where "
            f"it says {told[element] / units:.3f}: atoms were not located, or the formula is wrong"
        )


def _unlocated(found: Mapping[str, float], told: Mapping[str, float]) -> Refusal:
    """Hydrogens alone where the others agree, else missing atoms where an element is absent."""
    others, due = ({e: n for e, n in amounts.items() if e != "H"} for amounts in (found, told))
    if others and others.keys() == due.keys() and _agree(others, due):
        hydrogens, due_hydrogens = found.get("H", 0) / sum(others.values()), told.get("H", 0) / sum(due.values())
        if hydrogens < due_hydrogens:
            return Refusal.MISSING_HYDROGENS
    return Refusal.MISSING_ATOMS if told.keys() - found.keys() else Refusal.OTHER_FORMULA


def _agree(found: Mapping[str, float], told: Mapping[str, float]) -> bool:
    """Whether the same elements have about the same shares of all atoms."""
    atoms, units = sum(found.values()), sum(told.values())
    return not [e for e in told if abs(found[e] * units - told[e] * atoms) > FORMULA_TOLERANCE * told[e] * atoms]


def _amounts(formula: str) -> dict[str, float]:
    """`Fe2 O3` as {"Fe": 2, "O": 3}, deuterium as hydrogen; empty where it does not read so."""
    amounts: dict[str, float] = {}
    for word in formula.split():
        name = word.rstrip("0123456789.")
        amount = word[len(name) :] or "1"
        if name not in NUMBER or amount.count(".") > 1 or not amount.strip("0."):
            return {}
        symbol = SYMBOLS[NUMBER[name]]
        amounts[symbol] = amounts.get(symbol, 0.0) + float(amount)
    return amounts
