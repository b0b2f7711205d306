"""Settings: where the lake stands, who asks, and how each database is asked. From the environment, or in code.

Every name is an environment variable with `CRYSTAL_LAKE_` before it (`CRYSTAL_LAKE_COD_URL`); only the
Materials Project's key has the name its own client uses, `MP_API_KEY`.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

SLUGS = ("mp", "aflow", "ocp", "cod", "pcod", "oqmd")
MIRROR_KEY = "a-key-for-the-mirror-on-loopback"  # 32 characters, as mp-api demands; opens nothing


class Settings(BaseSettings):
    """All that can be configured about the outside world.

    *_url: base URL of a database. *_rate: requests per second at most, 0 for no limit.
    """

    model_config = SettingsConfigDict(env_prefix="CRYSTAL_LAKE_", extra="ignore", populate_by_name=True, frozen=True)

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

    ocp_archives: str = ""  # names with commas between, `*` for any text; the four of validation where it is empty
    ocp_downloads: Path | None = (
        None  # holds one archive at a time, of one lake; `<root>/downloads/ocp` where not given
    )

    folder_path: Path | None = None  # crystals of your own: what `crawl folder` reads
    folder_level: str = "not stated"  # their level of theory, all of them
    folder_licence: str = "not stated"

    mp_key: SecretStr | None = Field(None, validation_alias=AliasChoices("mp_key", "MP_API_KEY"), repr=False)
    mp_routes: str = "summary,elasticity,dielectric,piezoelectric,magnetism,thermo,phonon"  # what a crawl takes
    mp_collection: str = ""  # folder of its public Delta tables, on s3:// or here; empty for REST

    attempts: int = 6  # requests for one answer before the database counts as down
    wait_initial: float = 2.0  # s before the second attempt; doubles from there, with jitter
    wait_max: float = 120.0  # s, longest wait between attempts
    wait_asked: float = 600.0  # s, longest `Retry-After` that is waited for
    timeout: float = 120.0  # s without a byte before a connection counts as dead
    slowest: float = 900.0  # s for one whole answer, however slowly it drips
    largest_body: int = 256 * 1024 * 1024  # bytes of one unpacked answer held in memory; archives go to disk

    def url(self, source: str) -> str:
        """Base URL of a source, without a slash at its end."""
        return str(getattr(self, f"{source}_url")).rstrip("/")

    def rate(self, source: str) -> float:
        """Requests per second that a source is asked at most; 0 stands for no limit."""
        return float(getattr(self, f"{source}_rate"))

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
