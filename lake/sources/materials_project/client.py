"""Questions to Materials Project's REST routes, put by mp-api over our polite session.

What belongs here: all that knows mp-api. It takes seconds to import, so this module is imported when first needed.

mp-api's `search` is passed by: it builds a document's JSON schema once per field (two seconds a page), knows no page
smaller than a chunk, and without a criterion it leaves REST and downloads a whole collection. `_query_resource`, which
it stands on, stays on REST as long as a number of chunks is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests
from mp_api.client.core import BaseRester

from lake.sources.materials_project.routes import Route
from lake.sources.materials_project.session import Session
from lake.wire.answers import NotData, TryAgain
from lake.wire.down import SourceDown

KEY_LENGTH = 32  # what mp-api insists on


@dataclass(frozen=True)
class Told:
    """One answer: its documents, how many match the question in all, the URL asked, SHA-256 of the answer's bytes."""

    documents: list[dict[str, Any]]
    total: int
    url: str
    sha256: str


class Client:
    """Asks the routes; raises SourceDown for a key that cannot be one."""

    def __init__(self, session: Session, key: str) -> None:
        if len(key) != KEY_LENGTH:
            raise SourceDown(
                f"mp: Materials Project needs an API key of {KEY_LENGTH} characters, found {len(key)}; "
                "get one at https://materialsproject.org/api and export it as MP_API_KEY"
            )
        self._session, self._key = session, key
        self._resters: dict[str, _Rester] = {}

    def ask(self, route: Route, criteria: Mapping[str, object], fields: Sequence[str], skip: int, limit: int) -> Told:
        """`limit` documents after the first `skip` of those that meet the criteria; raises SourceDown."""
        question = {"_fields": ",".join(dict.fromkeys(fields)), "_skip": skip, "_limit": limit}
        order = {"_sort_fields": route.sort} if route.sort else {}
        return self._answer(route, {**route.always, **criteria, **question, **order})

    def count(self, route: Route, criteria: Mapping[str, object]) -> int:
        """How many documents meet the criteria; raises SourceDown."""
        return self._answer(route, {**route.always, **criteria, "_fields": "last_updated", "_limit": 1}).total

    def _answer(self, route: Route, question: dict[str, object]) -> Told:
        rester = self._rester(route.path)

        def once() -> tuple[list[dict[str, Any]], int]:
            try:
                return _told(rester._query_resource(question, num_chunks=1, chunk_size=question["_limit"]))
            except (SourceDown, NotData, TryAgain, requests.RequestException):
                raise
            except Exception as fault:  # JSON of another kind than mp-api expects
                raise NotData(f"what mp-api could not read: {type(fault).__name__}: {fault}") from fault

        documents, total = self._session.patiently(rester.endpoint, once)
        answer = self._session.last
        return Told(documents, total, answer.url, answer.sha256)

    def _rester(self, path: str) -> _Rester:
        if path not in self._resters:
            self._resters[path] = _Rester(path, self._session, self._key)
        return self._resters[path]


class _Rester(BaseRester):
    """mp-api's client of one route."""

    def __init__(self, path: str, session: Session, key: str) -> None:
        self.suffix = f"materials/{path}"
        super().__init__(
            key, endpoint=session.base + "/", session=session, use_document_model=False, mute_progress_bars=True
        )

    @staticmethod
    def _get_heartbeat_info(endpoint: str) -> tuple[str, list[str]]:
        """Nothing, unasked: mp-api asks for a heartbeat past our session, without a timeout, and only its downloads
        of whole collections need the answer."""
        return "", []


def _told(answer: Any) -> tuple[list[dict[str, Any]], int]:
    documents, total = answer["data"], answer["meta"]["total_doc"]
    if not isinstance(documents, list) or not all(isinstance(document, dict) for document in documents):
        raise NotData(f"JSON without a list of documents: {str(documents)[:120]!r}")
    if not isinstance(total, int):
        raise NotData(f"an answer that does not tell how many documents there are: {str(answer['meta'])[:120]!r}")
    return documents, total
