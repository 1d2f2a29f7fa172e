"""A watched folder as an agent's source: useful without Kubernetes, and for tests.

Files, all JSON; write beside and rename, so that nobody reads half of one:

- ``revision.json``: ``{"digest": ..., "revision": ...}`` (:class:`quoting_policy.domain.Frozen`).
- ``content/``: weights and secret parameters that the revision names by sha256, in files of any name; there
  before ``revision.json`` is.
- ``kill.json``: ``{"action": "None" | "Baseline" | "Halt", "reason": ...}``; required.
- ``authority.json``: :class:`quoting_policy.domain.Authority`; writing or touching it renews it.
- ``limits.json``: limits that tighten the revision's at once.
- ``release.json``: ``{"digest": ..., "reason": ...}``; carried out when it is written.
- ``drill.json``: ``{"digest": ...}``; likewise.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from quoting_policy.domain import Authority, Frozen, Kill, KillAction, Limits
from quoting_policy.models.content import read_contents
from quoting_policy.protocol.control import (
    Authorise,
    BreachLatched,
    Configure,
    Drill,
    Engage,
    Release,
    Revoke,
    Tighten,
)
from quoting_policy.sidecar.source import Instruction

log = logging.getLogger(__name__)

PERIOD_S = 0.02
"""How often the folder is looked at."""


class _ReleaseFile(msgspec.Struct, frozen=True):
    digest: str
    reason: str


class _DrillFile(msgspec.Struct, frozen=True):
    digest: str


class _Watched(NamedTuple):
    """A file: its type, what its content means, and what is said when it goes or cannot be read.

    once: it is an order, not a state. One that was there before us has been carried out, or is not for us:
    an old release must not undo the breach of today.
    """

    name: str
    type: Any
    means: Callable[[Any, int], Instruction]
    gone: Instruction | None = None
    unreadable: Instruction | None = None
    once: bool = False


_FILES = (
    _Watched(
        "kill.json",
        Kill,
        lambda kill, _: Engage(kill),
        unreadable=Engage(Kill(action=KillAction.BASELINE, reason="kill.json cannot be read")),
    ),
    _Watched("revision.json", Frozen, lambda frozen, _: Configure(frozen)),
    _Watched("limits.json", Limits, lambda limits, _: Tighten(limits)),
    _Watched("authority.json", Authority, Authorise, gone=Revoke(), unreadable=Revoke()),
    _Watched("release.json", _ReleaseFile, lambda file, _: Release(file.digest, file.reason), once=True),
    _Watched("drill.json", _DrillFile, lambda file, _: Drill(file.digest), once=True),
)


class DirectorySource:
    """Turns changes of files into instructions. It looks at the folder every ``period_s``.

    A renewal counts from the moment the file was written, not from when it was noticed: a slow agent cannot
    make authority live longer.
    """

    def __init__(self, folder: Path, period_s: float = PERIOD_S) -> None:
        self._folder = folder
        self._period_s = period_s
        self._seen: dict[str, tuple[int, ...] | None] = {}
        self._problems: dict[str, str] = {}

    async def instructions(self) -> AsyncIterator[Instruction]:
        """Instructions, as files change."""
        while True:
            for instruction in self.changes():
                yield instruction
            await asyncio.sleep(self._period_s)

    def changes(self) -> Iterator[Instruction]:
        """What has changed since the last call."""
        for watched in _FILES:
            instruction = self._look(watched)
            if isinstance(instruction, Configure):
                instruction = self._with_content(instruction.frozen)
            if instruction is not None:
                yield instruction

    def _with_content(self, frozen: Frozen) -> Configure:
        contents = read_contents(self._folder / "content").only(frozen.revision.content())
        return Configure(frozen, contents.blobs())

    async def report(self, breach: BreachLatched) -> None:
        """A folder has nobody to tell: the log is what there is."""
        log.error("breach latched: %s on %s of %s", breach.breaches, breach.instrument, breach.digest)

    def problem(self) -> str:
        """Files that are missing or cannot be read."""
        return "; ".join(self._problems.values())

    def _look(self, watched: _Watched) -> Instruction | None:
        path = self._folder / watched.name
        try:
            stat = path.stat()
        except OSError:
            return self._gone(watched)
        state = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
        stale = watched.once and watched.name not in self._seen
        if self._seen.get(watched.name) == state:
            return None
        self._seen[watched.name] = state
        if stale:
            return None
        age_ns = max(time.time_ns() - stat.st_mtime_ns, 0)
        written_ns = time.monotonic_ns() - age_ns
        try:
            content = msgspec.json.decode(path.read_bytes(), type=watched.type)
        except (OSError, msgspec.DecodeError) as error:
            self._problems[watched.name] = f"{watched.name}: {error}"
            log.error("%s: %s", path, error)
            return watched.unreadable
        self._problems.pop(watched.name, None)
        return watched.means(content, written_ns)

    def _gone(self, watched: _Watched) -> Instruction | None:
        before = self._seen.get(watched.name)
        self._seen[watched.name] = None
        if watched.name in ("kill.json", "revision.json"):
            self._problems[watched.name] = f"{watched.name} is missing from {self._folder}"
        return watched.gone if before is not None else None
