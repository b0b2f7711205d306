"""Quantities as people say them: durations and amounts of storage."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Seconds in words: `40 s`, `12 min`, `4 h 5 min`, `6.1 days`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    if seconds < 2 * 86400:
        return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"
    return f"{seconds / 86400:.1f} days"


def storage(size: float) -> str:
    """Bytes in words: `340 kB`, `12 MB`, `1.5 GB`."""
    for unit, worth in (("GB", 1e9), ("MB", 1e6)):
        if size >= worth:
            return f"{size / worth:.3g} {unit}"
    return f"{size / 1e3:.3g} kB"
