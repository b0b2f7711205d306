"""What is raised where a database gives nothing: it is down, or we ourselves do not ask."""

from __future__ import annotations


class SourceDown(RuntimeError):
    """A database that does not answer, or answers what is not data, after every retry."""


class NotNow(SourceDown):
    """We ourselves do not ask for a while: tonight's budget is spent, or the database was found dead just now."""
