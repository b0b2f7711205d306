"""The sample lake: a root of its own, marked by a file `SAMPLE`, filled from a mirror on loopback and nowhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from lake.settings import Settings
from lake.sources import NAMES

MARK = "SAMPLE"
WORDS = """Sample values: textbook crystals, as the embedded mirror tells them. Not for research.
Crawl real databases into another root.
"""


class MixedLake(ValueError):
    """Sample values and crawled ones may not share a lake."""


def mark(root: Path) -> None:
    """Make the root a sample lake: the mark, and the handbook's measured values as own labels."""
    from lake.sample.databases import handbook

    if (root / "bronze").is_dir() and not is_sample(root):
        raise MixedLake(f"{root} is a lake without sample values: choose another --root for the demo")
    (root / "labels").mkdir(parents=True, exist_ok=True)
    (root / MARK).write_text(WORDS)
    handbook().write_csv(root / "labels" / "handbook.csv")


def is_sample(root: Path | str) -> bool:
    """Whether the root holds sample values."""
    return (Path(root) / MARK).exists()


@contextmanager
def sources_of(root: Path, folder: Path | None = None) -> Iterator[Settings]:
    """Settings of the sources; for a sample lake, of a mirror that answers on loopback while the block runs.

    folder: where one's own crystals are, where that is not said by the environment.
    """
    own = {"folder_path": folder} if folder else {}
    if not is_sample(root):
        yield Settings(root=root, **own)
        return
    from lake.sample.databases import tellings
    from lake.sample.mirror import serving

    with serving(tellings()) as url:
        yield Settings.for_mirror(url, root=root, **own)


def not_mixed(root: Path | str, settings: Settings) -> Settings:
    """The settings, or MixedLake where a sample lake would be filled from anywhere but loopback."""
    strangers = [url for url in map(settings.url, NAMES) if urlsplit(url).hostname != "127.0.0.1"]
    if is_sample(root) and strangers:
        raise MixedLake(
            f"{root} holds sample values and may only be filled from the mirror on 127.0.0.1, found {strangers[0]}: "
            "start the UI with `crystal-lake ui`, or choose another root for crawled values"
        )
    return settings


def serve(data: Path | None, port: int) -> None:
    """The mirror on 127.0.0.1 until interrupted: of the sample, or of the real files in `data`."""
    from threading import Event

    from lake.sample.databases import tellings
    from lake.sample.mirror import serving
    from lake.sample.real import real_tellings

    with serving(real_tellings(data) if data else tellings(), port) as url:
        print(f"six databases at {url}; crawl them with these in the environment:")
        for name in NAMES:
            print(f"  CRYSTAL_LAKE_{name.upper()}_URL={url}/{name} \\")
        try:
            Event().wait()
        except KeyboardInterrupt:
            print("stopped")
