"""Links lead home or nowhere, however they are written."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st

from lake.settings import Settings
from lake.wire.clock import LeapingClock
from lake.wire.down import SourceDown
from lake.wire.http import Polite
from lake.wire.links import Elsewhere, at_home

HOME = "https://oqmd.org"
PIECES = st.sampled_from(
    [
        "http:", "https:", "HTTPS:", "ftp:", "file:", "javascript:", "//", "/", "\\", "\\\\", "?", "#", "..",
        "@", "user:pw@", "oqmd.org@", ":", ":443", ":80", ":8443", ":99999", ":x",
        "oqmd.org", "OQMD.ORG", "oqmd.org.", "oqmd.org..", "evil.example", "oqmd.org.evil.example",
        "[", "]", "[::1]", "1.2.3.4", "0x7f.1", "ｏqmd.org", "oqmd。org", "oqⅿd.org", "é", "K", "\ud800",
        "%40", "%2f", "\t", "\n", "\r", " ", "\0", "structures", "page_offset=9",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=9).map("".join) | st.text(max_size=40))
@example("http://oqmd.org\\@evil.example/")
@example("https://oqmd.org@evil.example/")
@example("//evil.example\\.oqmd.org/")
@example("https:evil.example")
@example("https://oqmd.org//evil.example/x")
@example("\\\\evil.example")
def test_whatever_a_link_says_the_request_goes_home_or_nowhere(link):
    try:
        url = at_home(HOME, link)
    except Elsewhere:
        return
    try:
        asked = requests.Request("GET", url).prepare().url
    except (requests.RequestException, UnicodeError):
        return  # what cannot be asked goes nowhere
    parts = urlsplit(asked)
    assert (parts.scheme, parts.netloc) == ("https", "oqmd.org")


@pytest.mark.parametrize(
    "link",
    [
        "http://evil.example/next", "https://127.0.0.1/next", "ftp://127.0.0.1/x", "//evil.example/x",
        "http://127.0.0.1:9@evil.example/", "http://user@127.0.0.1:9/", "http://127.0.0.1:10/", "http://127.0.0.1/",
        "http://127.0.0.1:99999/", "http://[::1", "file:///etc/passwd", None, 7, {"href": "/x"}, "/\ud800",
    ],
)  # fmt: skip
def test_a_link_to_elsewhere_is_refused(link):
    polite = Polite("cod", Settings.for_mirror("http://127.0.0.1:9", cod_url="http://127.0.0.1:9"), LeapingClock())
    with pytest.raises(SourceDown, match="a link must"):
        polite.own(link)


@pytest.mark.parametrize(
    "link",
    [
        "http://oqmd.org/a?b=c", "https://oqmd.org/a?b=c", "/a?b=c", "a?b=c", "HTTPS://OQMD.org/a?b=c",
        "https://oqmd.org:443/a?b=c", "http://oqmd.org:80/a?b=c", "https://oqmd.org./a?b=c", "//oqmd.org/a?b=c",
        "https://oqmd.org/a?b=c#part",
    ],
)  # fmt: skip
def test_links_at_home_are_followed_and_http_is_raised_to_https(link):
    assert Polite("oqmd", Settings()).own(link) == "https://oqmd.org/a?b=c"


def test_a_home_without_https_is_not_raised():
    assert at_home("http://127.0.0.1:8000/oqmd", "next") == "http://127.0.0.1:8000/oqmd/next"
