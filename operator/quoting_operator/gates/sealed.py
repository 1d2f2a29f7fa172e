"""Sealed counters at a block edge, from what Prometheus answered.

A sidecar publishes its counters as they stood at the end of block j, and j beside them, until block j + 1
ends. So among the scrapes of a stretch inside block j + 1 the one that says j holds exact values, whenever it
was made, and one scrape is enough.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from quoting_operator.gates.blocks import Rejection

BLOCK, COMPLETE, END = "block", "block_complete", "block_end_seconds"
"""Gauges beside the counters: which block was sealed, whether it was seen from its start, when it ended."""

END_TOLERANCE_S = 1e-3
_HORIZON = re.compile(r"(?<=^markout_(?:gain|loss))_.*")
_NAME = re.compile(r"quoting_sealed_(block(?:_complete|_end_seconds)?|(\w+)_total)")


@dataclass(frozen=True, slots=True)
class Series:
    """One time series: its labels, and (time s, value) of its samples in order of time."""

    labels: Mapping[str, str]
    samples: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class SealedBook:
    """One instrument in one pod at a block edge.

    sampled_at_s: of the scrape; minus infinity where none of them had this edge. counters: by track and name.
    """

    sampled_at_s: float = -math.inf
    complete: bool = False
    counters: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @property
    def read(self) -> bool:
        """Whether a scrape had this edge."""
        return self.sampled_at_s > -math.inf


@dataclass(frozen=True, slots=True)
class SealedEdge:
    """All books of a policy at the end of block `index`. defect: why nothing of it can be used."""

    index: int
    end_s: float
    books: Mapping[str, SealedBook] = field(default_factory=dict)
    defect: Rejection | None = None
    problem: str = ""


def query(
    labels: Mapping[str, str], tracks: Collection[str], counters: Collection[str], window_s: float
) -> str:
    """PromQL for the raw samples of all pods of a policy in the window before the time that is asked for.

    labels: of the policy. tracks, counters: names of those that are needed.
    """
    names = {f"{_HORIZON.sub('', name)}_total" for name in counters} | {BLOCK, COMPLETE, END}
    wanted = {
        "__name__": ("=~", "|".join(f"quoting_sealed_{name}" for name in sorted(names))),
        "arm": ("=~", "|".join((*tracks, ""))),  # the gauges have none
        **{name: ("=", value) for name, value in labels.items()},
    }
    matchers = ",".join(f"{name}{match}{json.dumps(value)}" for name, (match, value) in wanted.items())
    return f"{{{matchers}}}[{round(window_s * 1000)}ms]"


def sealed_edge(answer: Iterable[Series], index: int, end_s: float) -> SealedEdge:
    """Every book's counters as they stood at the end of block `index`, at `end_s` (s since the epoch)."""
    scrapes: dict[str, dict[float, dict[tuple[str, str], float]]] = {}
    seen: set[tuple[str, tuple[str, str]]] = set()
    for series in answer:
        labels = series.labels
        key = _counter(labels)
        if key is None or not labels.get("pod") or not labels.get("instrument"):
            return _ambiguous(index, end_s, f"a series without pod, instrument or arm: {_shown(labels)}")
        book = f"{labels['pod']}/{labels['instrument']}"
        if (book, key) in seen:
            return _ambiguous(index, end_s, f"two series for the same counter: {_shown(labels)}")
        seen.add((book, key))
        rows = scrapes.setdefault(book, {})
        for at_s, value in series.samples:
            rows.setdefault(at_s, {})[key] = value
    books = {book: _at_edge(rows, index, end_s) for book, rows in sorted(scrapes.items())}
    return SealedEdge(index, end_s, books)


def _counter(labels: Mapping[str, str]) -> tuple[str, str] | None:
    """(track, counter) of a series; a gauge of the book has no track. None: it is none of ours."""
    match = _NAME.fullmatch(labels.get("__name__", ""))
    if match is None:
        return None
    if match[2] is None:
        return ("", match[1])
    arm, horizon = labels.get("arm", ""), labels.get("horizon", "")
    return (arm, f"{match[2]}_{horizon}" if horizon else match[2]) if arm else None


def _at_edge(rows: Mapping[float, Mapping[tuple[str, str], float]], index: int, end_s: float) -> SealedBook:
    for at_s in sorted(rows):
        row = rows[at_s]
        if row.get(("", BLOCK)) == index and abs(row.get(("", END), math.nan) - end_s) <= END_TOLERANCE_S:
            return SealedBook(at_s, row.get(("", COMPLETE)) == 1.0, row)
    return SealedBook()


def _ambiguous(index: int, end_s: float, problem: str) -> SealedEdge:
    return SealedEdge(index, end_s, defect=Rejection.AMBIGUOUS, problem=f"Prometheus has {problem}")


def _shown(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "digest")[:200]
