"""The trajectory archives that OC20's documentation publishes, and which of them a crawl takes.

What belongs here: names, MD5s and sizes as printed in fairchem's docs/core/datasets/oc20.md. Two archives of that page
are left out: number 38 stands there twice with two MD5s, so that one of its adsorbates has no address.
OC22 is left out whole: its energies are totals with PBE+U, which no column of OC20's adsorption energies may hold, its
trajectories are no extended XYZ, and what names its systems is a pickle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

GB = 10**9
PACKED = 236_000  # bytes of a packed trajectory on average: 5.9 GB hold 24,943
UNPACKED = 1_850_000  # bytes of one unpacked: 46 GB


@dataclass(frozen=True)
class Archive:
    """One archive: its MD5 (hex), and bytes packed where the documentation tells (two digits)."""

    md5: str
    size: int | None = None


_PER_ADSORBATE = """
    0 1.01 d4151542856b4b6405f276808f75358a
    1 0.85 3697f04faf04251a23da8b88a78209f7
    2 1.6 a21081f3f55eb0c98a91021bbe3dac44
    3 1.8 b12b706854f5d899e02a9ae6578b5d45
    4 1.1 e4fe9890764fcf59e01e3ceab089b978
    6 1.4 ec9aa2c4c4bd4419359438ba7fbb881d
    7 1.4 d32200f74ad5c3bfd42e8835f36d57ab
    8 1.6 5418a1b331f6c7689a5405cca4cc8d15
    9 1.6 8ee1066149c305d7c17c219b369c5a73
    10 1.7 960c2450814024b66f3c79121179ac60
    11 1.8 60ac9f965f9589a3389483e3d1e58144
    12 1.7 7e123e6f4fb10d6897be3f47721dfd4a
    13 1.8 0823047bbbe05fa0e63f9d83ec601487
    14 1.9 9ac71e198d75b1427182cd34abb73e4d
    15 1.9 a405ce403018bf8afbd4425d5c0b34d5
    16 2.1 d3c829f1952db6e4f428273ee05f59b1
    17 1.5 d687a151345305897b9245af4b0f9967
    18 1.7 214ca96e620c5ec6e8a6ff8144a22a04
    19 1.6 da2268545e80ca1664026449dd2fdd24
    20 1.7 386c99407fe63080d26cda525dfdd8cd
    21 1.8 918b20960438494ab160a9dbd9668157
    22 1.8 84424aa2ad30301e23ece1438ea39923
    23 2 3cc90425ec042a70085ba7eb2916a79a
    24 1.8 9dbcf7566e40965dd7f8a186a75a718e
    25 1.7 a193b4c72f915ba0b21a41790696b23c
    26 1.8 de83cf50247f5556fa4f9f64beff1eeb
    27 1.9 1d140aaa2e7b287124ab38911a711d70
    28 1.3 682d8a6b05ca5948b34dc5e5f6bbcd61
    29 1.9 c8742faa8ca40e8edb4110069817fa70
    30 2 8cfbb67beb312b98c40fcb891dfa480a
    31 1.9 6ffa903a62d8ec3319ecec6a03b06276
    32 2 caca0058b641bfdc9f8de4527e60feb7
    33 1.8 906543aaefc171edab388ff4f0fe8a20
    34 1.8 4dfab479495f76179749c1956046fbd8
    35 1.9 29d1b992715054e920e8bb2afe97b393
    40 2 f98866d08fe3451ae7ebc47bb51599aa
    41 1.4 bfaf689e5827fcf26c51e567bb8dd1be
    42 2 236fe4e950aa2fbdde94ef2821fb48d2
    44 2.1 66acc5460a999625c3364f0f3bcca871
    45 2.1 bb4a01956736399c8cee5e219f8c1229
    46 2.1 e836de4ec146b1b611533f1ef682cace
    47 2 66df44121806debef6dc038df7115d1d
    48 2.2 ff6981fdbcd2e65d351505c15d218d76
    49 2.1 448f7d352ab6e32f754e24de64ca302a
    50 2.1 8bff6bf3e10cc84acc4a283a375fcc23
    51 2 9c9e4d617d306751760a80f1453e71f1
    52 2 ec1e964d2ee6f468fa5773743e3994a4
    53 2.1 d297b27b02822f9b6af80bdb64aee819
    54 2.1 368de083dafdc3bbdb560d35e2a102c0
    55 2.1 3c1aaf790659f7ff89bf1eed8b396b63
    56 2.2 2d71adb9e305e6f3bca49e5df9b5a86a
    57 2.3 cf51128f8522b7b66fc68d79980d6def
    58 1.6 36ba974d80c20ff636431f7c0ad225da
    59 2.3 fdc4cd19977496909d61be4aee61c4f1
    60 2.1 50a6ff098f9ba7adbba9ac115726cc5a
    62 1.8 47573199c545afe46c554ff756c3e38f
    63 1.7 dd456b7e19ef592d9f0308d911b91d7c
    65 1.6 c05289fd56d64c74306ebf57f1061318
    67 2.1 4822a06f6c5f41bdefd3cbbd8856c11f
    68 1.6 2a27de122d32917cc5b6ac0a21c63c1c
    69 1.5 cc668fecf679b6edaac8fd8fb9cdd404
    70 2.1 dff880f1a5baa7f67b52fd3ed745443d
    71 1.6 c7f383b50faa6244e265c9611466cb8f
    72 1.9 2b355741f9300445703270e0e4b8c01c
    73 1.8 48877a0c6f2994baac82cb722711aaa2
    74 1.4 7979b9e7ab557d6979b33e352486f0ef
    75 1.7 9f352fbc32bb2b8caf4788aba28b2eb7
    76 1.4 482ee306a5ae2eee78cac40d10059ebc
    77 1.1 bfb6e03d4a687987ff68976f0793cc46
    78 1.8 700834326e789a6e38bf3922d9fcb792
    79 2.1 fa24472e0c02c34d91f3ffe6b77bfb11
    80 1.4 4ddcccd62a834a76fe6167461f512529
    81 1.5 bc7c55330ece006d09496a5ff01d5d50
"""  # number, GB, MD5

PUBLISHED: Mapping[str, Archive] = {
    "is2res_train_trajectories.tar": Archive("9e3ed4d1e497bfdce4472ee70455edef", 109 * GB),
    "is2res_val_id_trajectories.tar": Archive("fcb71363018fb1e7127db2500e39e11a", 59 * GB // 10),
    "is2res_val_ood_ads_trajectories.tar": Archive("5ced8ea84584aa229d31e693e0fb090f", 57 * GB // 10),
    "is2res_val_ood_cat_trajectories.tar": Archive("88dcc02fd8c174a72d2c416878fc44ff", 60 * GB // 10),
    "is2res_val_ood_both_trajectories.tar": Archive("bc74b6474a13542cc56eaa97bd51adfc", 44 * GB // 10),
    **{
        f"per_adsorbate_is2res/{number}.tar": Archive(md5, round(float(size) * GB))
        for number, size, md5 in (line.split() for line in _PER_ADSORBATE.split("\n") if line.strip())
    },
}
USUAL = ("is2res_val_*",)  # where nobody chose: 100,000 relaxations in 22 GB


def chosen(there: Iterable[str], patterns: Iterable[str]) -> tuple[str, ...]:
    """Names of the archives that any pattern matches (`*` stands for any text), sorted.

    Raises ValueError for a pattern without a match, and for archives that hold the same systems twice.
    """
    there, found = sorted(there), set()
    for pattern in patterns:
        matches = [name for name in there if fnmatchcase(name, pattern)]
        if not matches:
            raise ValueError(
                f"no archive of Open Catalyst is called {pattern!r}; there are {', '.join(there[:8])}, ..."
            )
        found.update(matches)
    split = {name for name in found if name.startswith("is2res_")}
    if split and len(split) < len(found):
        # by their sizes (130 GB, and 109 + 22 GB) the two sets are the same systems in another order
        raise ValueError("archives per adsorbate hold the systems of is2res_* once more: choose one kind or the other")
    return tuple(sorted(found))
