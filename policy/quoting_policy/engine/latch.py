"""The breach latch: a digest that has breached keeps its candidate out until a person releases it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

MOST = 256
"""Latches kept; the oldest goes first. A digest is quarantined by the operator long before that."""

UNREADABLE = "latch_file_unreadable"


class Latched(msgspec.Struct, frozen=True, kw_only=True):
    """A breach that holds: which digest, what broke, where, when (wall clock, ns), whether as a drill."""

    digest: str
    breaches: tuple[str, ...]
    instrument: str
    wall_ns: int
    drill: bool = False


class Latch:
    """Latched breaches in memory, and in a file that survives a restart.

    A latch is in the file before :meth:`set` returns, so that the death of the process cannot lose it, and
    safe from the death of the machine after :meth:`flush`, which may wait for the disk. Memory counts: a disk
    that refuses costs durability, never the latch, and :meth:`flush` tries again until it succeeds. A file
    that cannot be read latches every digest, until a release.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.write_failures = 0
        self._held: dict[str, Latched] = {}
        self._unreadable = False
        self._dirty = False
        if path is not None:
            self._load(path)

    def _load(self, path: Path) -> None:
        try:
            found = msgspec.json.decode(path.read_bytes(), type=list[Latched])
        except FileNotFoundError:
            return
        except (OSError, msgspec.DecodeError):
            self._unreadable = True
            return
        self._held = {latched.digest: latched for latched in found}

    def held(self, digest: str) -> Latched | None:
        """The latch on this digest, if any."""
        if self._unreadable:
            return Latched(digest=digest, breaches=(UNREADABLE,), instrument="", wall_ns=0)
        return self._held.get(digest)

    def all(self) -> tuple[Latched, ...]:
        """Every latch, oldest first."""
        return tuple(self._held.values())

    def set(self, latched: Latched) -> bool:
        """Latch; the first breach of a digest is kept, but a real one takes the place of a drill."""
        present = self._held.get(latched.digest)
        if present is not None and (latched.drill or not present.drill):
            return False
        self._held[latched.digest] = latched
        while len(self._held) > MOST:
            del self._held[next(iter(self._held))]
        self._write(durably=False)
        return True

    def release(self, digest: str) -> bool:
        """Forget the latch on a digest; says whether there was one. Also ends ``latch_file_unreadable``."""
        had = self._unreadable or digest in self._held
        self._held.pop(digest, None)
        self._unreadable = False
        if had:
            self._write(durably=False)
        return had

    def flush(self) -> bool:
        """Write what is not yet on disk, durably and atomically; False when the disk refused."""
        if self._dirty:
            self._write(durably=True)
        return not self._dirty

    def _write(self, *, durably: bool) -> None:
        self._dirty = self.path is not None
        if self.path is None:
            return
        try:
            _replace(self.path, msgspec.json.encode(list(self._held.values())), durably=durably)
        except OSError:
            self.write_failures += 1
        else:
            self._dirty = not durably


def _replace(path: Path, content: bytes, *, durably: bool) -> None:
    """Replace a file so that whoever reads it finds the old or the new content, never a part."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        if durably:
            os.fsync(file.fileno())
    beside.replace(path)
    if not durably:
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
