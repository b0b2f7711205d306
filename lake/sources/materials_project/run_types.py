"""Which functional each task behind a material used: what core tells and summary does not.

What belongs here: getting run types with few questions. What follows from them belongs to materials_project_documents.
A page of summary has 1000 ids, and core answers for 200 ids at once: five questions a page. Asked instead by the same
criteria as summary, core gives a thousand at once, in an order of its own: so a whole part of the collection is read
and held while summary's pages of that part come by, one question a page. What it lacks is asked for by id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lake.sources.materials_project.documents import normal_id
from lake.sources.materials_project.routes import CORE

if TYPE_CHECKING:
    from lake.sources.materials_project.client import Client

RunTypes = Mapping[str, str]  # task id -> run type
PER_PAGE = 1000
PER_QUESTION = 200  # ids in one question: longer URLs are refused


class TasksBehind:
    """Run types by material id; holds one part of the collection in memory, some 20,000 materials at most."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._criteria: Mapping[str, object] | None = None
        self._told: dict[str, RunTypes] = {}

    def of(self, material_ids: Sequence[str], criteria: Mapping[str, object]) -> Mapping[str, RunTypes]:
        """Material id -> its tasks' run types, for ids that summary listed under these criteria; raises SourceDown."""
        if criteria != self._criteria and len(material_ids) > PER_QUESTION:
            self._criteria, self._told = None, {}
            self._read(criteria)
            self._criteria = criteria
        found = {each: self._told[each] for each in material_ids if each in self._told}
        lacking = [each for each in material_ids if each not in found]
        for start in range(0, len(lacking), PER_QUESTION):
            asked = {"material_ids": ",".join(lacking[start : start + PER_QUESTION])}
            found |= _by_id(self._client.ask(CORE, asked, CORE.fields, 0, PER_QUESTION).documents)
        return found

    def _read(self, criteria: Mapping[str, object]) -> None:
        skip, total = 0, 1
        while skip < total:
            told = self._client.ask(CORE, criteria, CORE.fields, skip, PER_PAGE)
            self._told |= _by_id(told.documents)
            skip, total = skip + PER_PAGE, told.total


def _by_id(documents: Sequence[Mapping[str, object]]) -> dict[str, RunTypes]:
    return {normal_id(document["material_id"]): document.get("run_types") or {} for document in documents}
