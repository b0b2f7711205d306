"""Links that a database gives: they are followed at home only.

What belongs here: where a link leads. What is asked there belongs to its source.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

PORTS = {"http": 80, "https": 443}


class Elsewhere(ValueError):
    """A link that leads away from home, or nowhere."""


def at_home(base: str, link: object) -> str:
    """A link, whole or relative to `base`, as an absolute URL on the host, port and scheme of `base`.

    http is raised to https where home speaks https. The answer is built from home's own host, so that no way of
    writing one can lead elsewhere, however a browser would read it. Raises Elsewhere.
    """
    if not isinstance(link, str):
        raise Elsewhere(f"a link must be text, found {link!r:.200}")
    try:
        home, there = urlsplit(base), urlsplit(urljoin(base + "/", link))
        there.geturl().encode()  # a lone surrogate cannot be asked for
        stays = "@" not in there.netloc and _place(there) in (_place(home), _lower(home))
    except ValueError:
        stays = False
    if not stays:
        raise Elsewhere(f"a link must stay on {urlsplit(base).scheme}://{urlsplit(base).netloc}, found {link!r:.200}")
    return urlunsplit((home.scheme, home.netloc, there.path or "/", there.query, ""))


def _place(url: SplitResult) -> tuple[str, str, int | None]:
    return url.scheme, (url.hostname or "").removesuffix("."), url.port or PORTS.get(url.scheme)


def _lower(home: SplitResult) -> tuple[str, str, int | None]:
    """Home as it is called over http, where it speaks https at its usual port."""
    scheme, host, port = _place(home)
    return ("http", host, PORTS["http"]) if (scheme, port) == ("https", PORTS["https"]) else (scheme, host, port)
