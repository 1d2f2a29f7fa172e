"""What a revision names by sha256 and does not hold: learned weights, and parameters from a Secret."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from pathlib import Path

MOST_BYTES = 1 << 20
"""Largest content, bytes: a ConfigMap or a Secret holds no more."""


class Contents:
    """Bytes that are found by their sha256 and by nothing else. They are shown nowhere."""

    __slots__ = ("_found",)

    def __init__(self, blobs: Iterable[bytes] = ()) -> None:
        self._found = {hashlib.sha256(blob).hexdigest(): blob for blob in blobs}

    def get(self, sha256: str) -> bytes | None:
        """The bytes of this sha256, None where there are none."""
        return self._found.get(sha256)

    def only(self, wanted: Collection[str]) -> Contents:
        """Those that are wanted."""
        return Contents(blob for sha256, blob in self._found.items() if sha256 in wanted)

    def missing(self, wanted: Collection[str]) -> list[str]:
        """The sha256 of what is wanted and not here."""
        return sorted(set(wanted) - self._found.keys())

    def blobs(self) -> tuple[bytes, ...]:
        """All of them, in order of their sha256."""
        return tuple(self._found[sha256] for sha256 in sorted(self._found))

    def __repr__(self) -> str:
        return f"Contents({', '.join(sorted(self._found))})"


NOTHING = Contents()


def read_contents(folder: Path | None) -> Contents:
    """The files of a folder and of its subfolders, as ConfigMaps and Secrets are mounted there.

    A file that is too large or cannot be read is not there: whoever wants it misses its sha256.
    """
    if folder is None:
        return NOTHING
    # A mount's files are links into a folder ``..data``; what begins with two dots is not looked at itself.
    files = (path for pattern in ("*", "*/*") for path in folder.glob(pattern))
    found = (_read(path) for path in files if not any(p.startswith("..") for p in path.parts[-2:]))
    return Contents(blob for blob in found if blob is not None)


def _read(path: Path) -> bytes | None:
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return None
        return path.read_bytes()
    except OSError:
        return None
