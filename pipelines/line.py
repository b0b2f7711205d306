"""The whole line in this process: crawls one after another, then what stands on them. The demo is both."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lake.settings import Settings
from lake.sources import NAMES
from pipelines.sample import mark, sources_of


def crawl(
    root: Path, sources: Sequence[str] = NAMES, asked: Mapping[str, object] | None = None, folder: Path | None = None
) -> list[str]:
    """Crawl sources one after another; one that fails never stops the others. Returns what went wrong.

    asked: what is asked of each, in the words of `assets.bronze.Asked`. folder: where one's own crystals are.
    """
    config = {"ops": {"crawl_source": {"config": dict(asked or {})}}}
    with sources_of(root, folder) as settings:
        return [line for source in sources for line in _run(root, "crawl", source, config=config, settings=settings)]


def build(root: Path) -> list[str]:
    """Everything after the crawls. Returns what went wrong."""
    return _run(root, "build")


def train(root: Path, budget: str = "", seeds: int = 3) -> list[str]:
    """Models and what stands on them, from the observations as they are. Returns what went wrong."""
    return _run(root, "train", config={"ops": {"learning": {"config": {"budget": budget, "seeds": seeds}}}})


def backfill(root: Path, name: str, fetch: bool = False) -> list[str]:
    """One property's column anew from kept records, and the matrix with it. Returns what went wrong.

    fetch: ask the sources for the fields it needs that no crawl ever asked for; without it, they are named.
    """
    wrong = _fetch_columns(root, name) if fetch else _unfetched(root, name)
    return [*wrong, *_run(root, "backfill_property", only=_columns_of([name]))]


def relabel(root: Path, names: Sequence[str]) -> list[str]:
    """Own labels as the files of `labels/` are now, and these properties' columns with them. What went wrong."""
    return _run(root, "build", only=["labels", *_columns_of(names)])


def demo(root: Path) -> list[str]:
    """From nothing to a finished lake of sample values, by the very jobs that run on crawled ones."""
    root.mkdir(parents=True, exist_ok=True)
    mark(root)
    return [*crawl(root), *build(root)]


def _columns_of(names: Sequence[str]) -> list[str]:
    observed = [f"observations/{name}" for name in names]
    return [*observed, "property_matrix", "matrix_provenance", "lake_duckdb", "snapshots"]


def _unfetched(root: Path, name: str) -> list[str]:
    lacking = _columns(root, name, Settings(root=root))
    words = ", ".join(f"{field} of {source}" for source, field in lacking)
    return [f"{name}: never fetched: {words}; `crystal-lake backfill {name} --fetch` asks for it"] if lacking else []


def _fetch_columns(root: Path, name: str) -> list[str]:
    with sources_of(root) as settings:
        lacking = _columns(root, name, settings)
    return [line for source, field in lacking for line in crawl(root, [source], {"column": field})]


def _columns(root: Path, name: str, settings: Settings) -> list[tuple[str, str]]:
    from lake.crawl.columns import unfetched
    from lake.properties import property_named
    from lake.sources import source_named
    from lake.store import Lake

    return unfetched(Lake(root), property_named(name), lambda source: source_named(source, settings))


def _run(root: Path, job: str, *what: object, **how: object) -> list[str]:
    """Run the job and, whatever came of it, let SQL see what is there now."""
    from lake.sql import publish
    from lake.store import Lake
    from pipelines.running import run

    wrong = run(root, job, *what, **how)
    if (root / "bronze").is_dir():
        publish(Lake(root))
    return wrong
