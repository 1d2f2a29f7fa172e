"""Sessions: fixed stretches of a tape, marked as evidence or as history that was used for fitting."""

from __future__ import annotations

import hashlib
import itertools
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
from pydantic import Field

from quoting_policy.data.tape import Facts, load
from quoting_policy.domain.session import MOST_BLOCKS
from quoting_policy.errors import InputError
from quoting_policy.paper.desk import SECOND, Desk, Strict, checked, read_yaml

_SHORTEST_BLOCKS = 2


@dataclass(frozen=True, slots=True)
class Recording:
    """A tape file with its facts and the sha256 over its columns' digests."""

    path: Path
    facts: Facts
    sha256: str
    spans: tuple[tuple[int, int], ...]
    """Stretches [start, end) of continuous trading that the tape covers, ns."""


@dataclass(frozen=True, slots=True)
class Session:
    """One session: [start_ns, end_ns) of a recording. The first block of evidence starts at evidence_ns.

    index: its place in the list of evidence sessions, which is the order in which evidence is combined.
    """

    index: int
    name: str
    recording: Recording
    start_ns: int
    evidence_ns: int
    end_ns: int
    block_ns: int

    @property
    def blocks(self) -> int:
        """Number of blocks of evidence."""
        return (self.end_ns - self.evidence_ns) // self.block_ns


class SessionEntry(Strict):
    """One entry of a session list. start, end: seconds of the tape's clock. tape: a name from --data."""

    tape: str
    start: float
    end: float
    name: str = ""
    used_for: Literal["fit", "evidence"] = Field(alias="usedFor")


def open_recording(path: Path) -> Recording:
    """Look at a tape's facts and digests; its rows are not read."""
    tape = load(path)
    if len(tape) == 0:
        return Recording(path, tape.facts, tape_digest(path), ())
    first, last = int(tape.local_ns.min()), int(tape.local_ns.max())
    spans = tape.facts.sessions or ((first, last),)
    covered = tuple((max(a, first), min(b, last + 1)) for a, b in spans if a < last and b > first)
    return Recording(path, tape.facts, tape_digest(path), covered)


def tape_digest(path: Path) -> str:
    """sha256 over a tape's facts and column digests: changes with anything that a replay could see."""
    with zipfile.ZipFile(path) as archive:
        header = json.loads(archive.read("facts.json"))
    text = json.dumps(header, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def split(recordings: Sequence[Recording], count: int, desk: Desk) -> list[Session]:
    """``count`` sessions of equal length, in order of time, over all spans; what is left over is not used.

    Raises InputError where a session would be too short for its warm-up and two blocks.
    """
    if count < 1:
        raise InputError("--sessions", count, ">= 1")
    spans = [(recording, a, b) for recording in recordings for a, b in recording.spans]
    length = _longest_fit([b - a for _, a, b in spans], count)
    needed = round(desk.warmup_s * SECOND) + (_SHORTEST_BLOCKS + 1) * desk.block_ns
    if length < needed:
        seconds = sum(b - a for _, a, b in spans) / SECOND
        each = f"{length / SECOND:.0f} s a session, {needed / SECOND:.0f} s are needed"
        remedy = f"{seconds:.0f} s of market give {each}"
        raise InputError("--sessions", count, "fewer", remedy)
    windows = (
        (recording, a + i * length, a + (i + 1) * length)
        for recording, a, b in spans
        for i in range((b - a) // length)
    )
    return [_session(i, r, a, b, "", desk) for i, (r, a, b) in enumerate(itertools.islice(windows, count))]


def _longest_fit(lengths: Sequence[int], count: int) -> int:
    """The largest whole number of seconds of which ``count`` windows fit into the spans."""
    low, high = 0, sum(lengths) // SECOND + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if sum(n // (middle * SECOND) for n in lengths) >= count else (low, middle)
    return low * SECOND


def from_list(recordings: Sequence[Recording], path: Path, desk: Desk) -> list[Session]:
    """Evidence sessions of a list; refused where they overlap history used for fitting, or each other."""
    content = read_yaml(path, "--sessions")
    if not isinstance(content, list) or not content:
        raise InputError("--sessions", str(path), "a list of sessions, each with tape, start, end, usedFor")
    entries = [checked(SessionEntry, entry, f"sessions[{i}]") for i, entry in enumerate(content)]
    by_name = {recording.path.stem: recording for recording in recordings}
    spans: list[tuple[int, SessionEntry, Recording]] = []
    for i, entry in enumerate(entries):
        if entry.tape not in by_name:
            raise InputError(f"sessions[{i}].tape", entry.tape, f"one of {', '.join(sorted(by_name))}")
        if not entry.start < entry.end:
            raise InputError(f"sessions[{i}].end", entry.end, f"> start ({entry.start})")
        spans.append((i, entry, by_name[entry.tape]))
    _check_overlaps(spans)
    evidence = [(entry, recording) for _, entry, recording in spans if entry.used_for == "evidence"]
    if not evidence:
        raise InputError("--sessions", str(path), "with one evidence session or more")
    return [
        _session(k, recording, _ns(entry.start), _ns(entry.end), entry.name, desk)
        for k, (entry, recording) in enumerate(evidence)
    ]


def _check_overlaps(spans: Sequence[tuple[int, SessionEntry, Recording]]) -> None:
    """One market has one history, whatever file it is read from."""
    for (i, one, market), (j, other, other_market) in itertools.combinations(spans, 2):
        same = _market(market.facts) == _market(other_market.facts)
        if not same or one.start >= other.end or other.start >= one.end:
            continue
        if one.used_for == other.used_for == "fit":
            continue
        later, why = (j, i) if other.used_for == "evidence" else (i, j)
        reason = "was used for fitting" if one.used_for != other.used_for else "is counted already"
        raise InputError(
            f"sessions[{later}]", f"[{spans[later][1].start}, {spans[later][1].end})",
            f"apart from sessions[{why}], which {reason}", "evidence must be new",
        )  # fmt: skip


def _market(facts: Facts) -> tuple[str, str, str]:
    return facts.venue, facts.symbol, facts.epoch


def _session(index: int, recording: Recording, start_ns: int, end_ns: int, name: str, desk: Desk) -> Session:
    block = desk.block_ns
    evidence = -(-(start_ns + round(desk.warmup_s * SECOND)) // block) * block
    end = end_ns // block * block
    label = name or f"{recording.facts.symbol}-{index}"
    blocks = (end - evidence) // block
    if blocks > MOST_BLOCKS:
        remedy = f"use more sessions, or blocks of {desk.block_s * blocks / MOST_BLOCKS:.0f} s or more"
        raise InputError(f"session {label}", f"{blocks} blocks", f"at most {MOST_BLOCKS} blocks", remedy)
    if blocks < _SHORTEST_BLOCKS:
        remedy = "make it longer, or blocks or warm-up shorter"
        raise InputError(
            f"session {label}", f"{blocks} blocks", f"at least {_SHORTEST_BLOCKS} blocks", remedy
        )
    return Session(index, label, recording, start_ns, evidence, end, block)


def _ns(seconds: float) -> int:
    return round(seconds * SECOND)


def provenance(recording: Recording) -> dict[str, object]:
    """Where a recording came from, for reports."""
    facts = recording.facts
    return {
        "tape": recording.path.name, "sha256": recording.sha256, "venue": facts.venue, "symbol": facts.symbol,
        "level": facts.level, "epoch": facts.epoch, "rowsRead": facts.rows_read, "bad": dict(facts.bad),
        "ignored": dict(facts.ignored), "sources": [msgspec.to_builtins(s) for s in facts.sources],
        "notes": list(facts.notes),
    }  # fmt: skip
