"""Settings: where the lake stands, who asks, and how each database is asked. From the environment, or in code.

Every name is an environment variable with `CRYSTAL_LAKE_` before it (`CRYSTAL_LAKE_COD_URL`); only the
Materials Project's key has the name its own client uses, `MP_API_KEY`.
"""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SLUGS = ("mp", "aflow", "ocp", "cod", "pcod", "oqmd")
MIRROR_KEY = "a-key-for-the-mirror-on-loopback"  # 32 characters, as mp-api demands; opens nothing


def cache_folder() -> Path:
    """Where a user's programs keep what belongs to the machine: `crystal-lake` in `$XDG_CACHE_HOME` or `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crystal-lake"


class Settings(BaseSettings):
    """All that can be configured about the outside world.

    *_url: base URL of a database. *_rate: requests per second at most, 0 for no limit (a mirror of one's own: then
    nothing of rate, lanes, budget and circuit is kept on disk or shared). *_budget: requests in 24 hours at most.
    *_tree: folder with a copy of the database's files. *_rsync: where rsync copies them from, empty for nowhere.
    *_lists: whether result lists are asked; without them a tree is read offline.
    An error in a setting never shows what was given: it may be a key.
    """

    model_config = SettingsConfigDict(
        env_prefix="CRYSTAL_LAKE_", extra="ignore", populate_by_name=True, frozen=True, hide_input_in_errors=True
    )

    root: Path = Path("data")
    contact: str = ""  # mail address or page that stands in the user agent: a database can ask you to slow down

    mp_url: str = "https://api.materialsproject.org"
    aflow_url: str = "https://aflow.org"
    ocp_url: str = "https://dl.fbaipublicfiles.com/opencatalystproject/data"
    cod_url: str = "https://www.crystallography.net/cod"
    pcod_url: str = "https://www.crystallography.net/pcod"
    oqmd_url: str = "https://oqmd.org"

    # None of the six publishes a number but COD (half a second between requests): stay below anybody's patience.
    mp_rate: float = 2.0
    aflow_rate: float = 1.0
    ocp_rate: float = 1.0
    cod_rate: float = 2.0
    pcod_rate: float = 2.0
    oqmd_rate: float = 1.0

    cod_tree: Path | None = None  # `1/00/00/1000000.cif`; `<root>/downloads/cod` where only cod_rsync is given
    cod_rsync: str = ""  # COD's own: rsync://www.crystallography.net/cif/
    cod_lists: bool = True
    pcod_tree: Path | None = None  # `cif/8/800/8000000.cif`
    pcod_rsync: str = ""
    pcod_lists: bool = True
    rsync_kib: int = 5_000  # KiB a second at most, 0 for no limit: the whole tree of COD takes six hours so
    rsync_longest: float = 8 * 3600.0  # s that one night gives to rsync; the next goes on
    largest_cif: int = 32 * 1024 * 1024  # bytes; some hold all their reflections

    oqmd_path: Literal["optimade", "rest", "dump"] = "optimade"  # by which way OQMD is read
    oqmd_dump: Path | None = None  # its SQL dump, as downloaded: `.sql` or `.sql.gz`
    oqmd_page_limit: int | None = Field(None, ge=1)  # records a page; None for what the source finds best
    ocp_archives: str = ""  # names with commas between, `*` for any text; the four of validation where it is empty
    ocp_downloads: Path | None = None  # holds one archive at a time, of one lake; else `<root>/downloads/ocp`

    folder_path: Path | None = None  # crystals of your own: what `crawl folder` reads
    folder_level: str = "not stated"  # their level of theory, all of them
    folder_licence: str = "not stated"

    mp_key: SecretStr | None = Field(None, validation_alias=AliasChoices("mp_key", "MP_API_KEY"), repr=False)
    mp_routes: str = "summary,elasticity,dielectric,piezoelectric,magnetism,thermo,phonon"  # what a crawl takes
    mp_collection: str = ""  # folder of its public Delta tables, on s3:// or here; empty for REST

    # One folder for all lakes and processes of this machine, so that together they keep to one rate.
    politeness: Path = Field(default_factory=lambda: cache_folder() / "politeness")
    connections: int = Field(2, ge=1)  # requests on their way to one host at once
    budget: int = Field(0, ge=0)  # requests per database in 24 hours, whoever asks; 0 for no limit
    mp_budget: int | None = Field(None, ge=0)  # one database's own budget, instead of the one above
    aflow_budget: int | None = Field(None, ge=0)
    ocp_budget: int | None = Field(None, ge=0)
    cod_budget: int | None = Field(None, ge=0)
    pcod_budget: int | None = Field(None, ge=0)
    oqmd_budget: int | None = Field(None, ge=0)

    circuit_after: int = 12  # questions in a row left unanswered that open a database's circuit; 0 for never
    circuit_first: float = 300.0  # s that an open circuit leaves a database alone; doubles with each failed trial
    circuit_longest: float = 6 * 3600.0  # s, longest of these

    attempts: int = 8  # requests for one answer before the question counts as unanswered: about four minutes
    wait_initial: float = 2.0  # s before the second attempt; doubles from there, with jitter
    wait_max: float = 120.0  # s, longest wait between attempts, and longest that an answer may ask of the next request
    wait_asked: float = 600.0  # s, longest `Retry-After` that is waited for; a longer one opens the circuit
    timeout: float = 120.0  # s without a byte before a connection counts as dead
    slowest: float = 900.0  # s for one whole answer, however slowly it drips
    largest_body: int = 256 * 1024 * 1024  # bytes of one unpacked answer held in memory; archives go to disk

    def url(self, source: str) -> str:
        """Base URL of a source, without a slash at its end."""
        return str(getattr(self, f"{source}_url")).rstrip("/")

    def rate(self, source: str) -> float:
        """Requests per second that a source is asked at most; 0 stands for no limit."""
        return float(getattr(self, f"{source}_rate", 0.0))  # a folder needs none

    def budget_of(self, source: str) -> int:
        """Requests that a source is asked in 24 hours at most; 0 stands for no limit."""
        own = getattr(self, f"{source}_budget")
        return self.budget if own is None else own

    @field_validator("mp_key")
    @classmethod
    def _trimmed(cls, key: SecretStr | None) -> SecretStr | None:
        return SecretStr(key.get_secret_value().strip()) if key else None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be read anywhere."""
        return (self.mp_key.get_secret_value(),) if self.mp_key and self.mp_key.get_secret_value() else ()

    @property
    def user_agent(self) -> str:
        """Who asks, with a contact where one is configured."""
        try:
            number = version("crystal-lake")
        except PackageNotFoundError:
            number = "0"
        return f"crystal-lake/{number}" + (f" (contact: {self.contact})" if self.contact else "")

    @classmethod
    def for_mirror(cls, base_url: str, **more: object) -> Settings:
        """Settings that ask the mirror at `base_url` (`http://127.0.0.1:PORT`) instead of the six databases."""
        base = base_url.rstrip("/")
        urls = {f"{slug}_url": f"{base}/{slug}" for slug in SLUGS}
        rates = {f"{slug}_rate": 0.0 for slug in SLUGS}
        near = {"mp_key": MIRROR_KEY, "attempts": 4, "wait_initial": 0.05, "wait_max": 1.0, "timeout": 30.0}
        return cls(**{**urls, **rates, **near, **more})
