"""A recorded market as columns: the one format that every loader writes and every replay reads.

A tape file is an uncompressed ``.npz`` (zip of ``.npy``), so ``numpy.load`` opens it anywhere; its members
are aligned to 64 bytes, so :func:`load` maps them into memory without reading them. ``facts.json`` inside
says what the columns mean and carries a sha256 of each.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from quoting_policy.data.rows import ACTION, FILL, TRADE
from quoting_policy.errors import InputError

FORMAT = "quoting-tape"
VERSION = 1
_ALIGNMENT = 64
_LOCAL_HEADER = 30  # bytes of a zip member's own header, before its name
_FACTS = "facts.json"
_DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(code)
    for name, code in {
        "exch_ns": "<i8", "local_ns": "<i8", "code": "|u1", "price": "<i4", "qty": "<i8",
        "order": "<i4", "local_order": "<i4",
        "quote_exch_ns": "<i8", "quote_bid": "<i4", "quote_ask": "<i4",
    }.items()
}  # fmt: skip


class Source(msgspec.Struct, frozen=True):
    """A file that a tape was made from."""

    name: str
    sha256: str


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the numbers of a tape mean, and what was done to get them.

    Prices are counts of ``tick_size``, quantities of ``qty_unit`` (the smallest that the feed resolves);
    orders of one's own come in multiples of ``lot`` units. ``low_tick`` and ``high_tick`` span the trades.
    Times are nanoseconds since 1970 UTC, or since midnight of the venue's day where ``epoch`` says so.
    ``clock_shift_ns`` was added to every local time.
    ``sessions`` are the half-open spans of continuous trading; empty means that the venue never closes.
    """

    venue: str
    symbol: str
    level: int
    tick_size: str
    qty_unit: str
    lot: int = 1
    epoch: str = "unix"
    local_clock: bool = False
    clock_shift_ns: int = 0
    sessions: tuple[tuple[int, int], ...] = ()
    snapshot: bool = False
    low_tick: int = 0
    high_tick: int = 0
    rows_read: int = 0
    ignored: Mapping[str, int] = msgspec.field(default_factory=dict)
    bad: Mapping[str, int] = msgspec.field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tape:
    """The rows of a recorded market, in the order in which the venue produced them.

    exch_ns, local_ns: when the venue produced the row and when the recorder received it; code: action and
    side (:mod:`quoting_policy.data.rows`); price: ticks (of the resting order for L3 rows); qty: units of
    ``facts.qty_unit``. order: L3 only, dense order numbers in order of arrival. local_order: row numbers in
    order of receipt, empty where that is the venue's order. quote_*: best prices that the venue itself
    published, by exchange time, for checks.
    """

    facts: Facts
    exch_ns: npt.NDArray[np.int64]
    local_ns: npt.NDArray[np.int64]
    code: npt.NDArray[np.uint8]
    price: npt.NDArray[np.int32]
    qty: npt.NDArray[np.int64]
    order: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, "<i4"))
    local_order: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, "<i4"))
    quote_exch_ns: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, "<i8"))
    quote_bid: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, "<i4"))
    quote_ask: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, "<i4"))

    def __len__(self) -> int:
        return len(self.code)

    @property
    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Column name -> array."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "facts"}

    @property
    def nbytes(self) -> int:
        """Bytes of all columns."""
        return sum(column.nbytes for column in self.columns.values())

    def with_facts(self, **changes: Any) -> Tape:
        """The same rows under changed facts."""
        return replace(self, facts=msgspec.structs.replace(self.facts, **changes))

    def rows(self, start: int, stop: int) -> Tape:
        """Rows ``start:stop`` as a tape of their own; an L2 tape then lacks the book that stood before."""
        keep = {
            name: getattr(self, name)[start:stop] for name in ("exch_ns", "local_ns", "code", "price", "qty")
        }
        order = self.order[start:stop] if len(self.order) else self.order
        return replace(self, **keep, order=order, local_order=receipt_order(keep["local_ns"]))


def traded_range(code: npt.NDArray[np.uint8], price: npt.NDArray[np.int32]) -> dict[str, Any]:
    """The facts ``low_tick`` and ``high_tick``: lowest and highest trade, else price."""
    action = code & ACTION
    traded = price[(action == TRADE) | (action == FILL)]
    near = traded if len(traded) else price
    return {"low_tick": int(near.min()), "high_tick": int(near.max())} if len(near) else {}


def receipt_order(local_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Row numbers by time of receipt, ties by row; empty if the rows already stand in that order."""
    if len(local_ns) < 2 or bool(np.all(local_ns[1:] >= local_ns[:-1])):
        return np.zeros(0, "<i4")
    return np.argsort(local_ns, kind="stable").astype("<i4")


def save(tape: Tape, path: Path) -> None:
    """Write a tape; the file appears under its name only when it is complete."""
    digests = {name: _digest(column) for name, column in tape.columns.items()}
    header = {
        "format": FORMAT,
        "version": VERSION,
        "facts": msgspec.to_builtins(tape.facts),
        "sha256": digests,
    }
    partial = path.with_name(path.name + ".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_FACTS, json.dumps(header, indent=1))
        for name, column in tape.columns.items():
            _write_column(archive, name, column)
    partial.replace(path)


def _write_column(archive: zipfile.ZipFile, name: str, column: npt.NDArray[Any]) -> None:
    """Store one ``.npy`` member whose header starts on a 64-byte boundary (numpy aligns what follows)."""
    entry = zipfile.ZipInfo(f"{name}.npy")
    offset = archive.fp.tell() if archive.fp is not None else 0
    padding = -(offset + _LOCAL_HEADER + len(entry.filename)) % _ALIGNMENT
    if padding and padding < 4:
        padding += _ALIGNMENT
    if padding:  # a zip "extra" field: two bytes of id, two of length, then filler
        entry.extra = b"\xff\xff" + (padding - 4).to_bytes(2, "little") + bytes(padding - 4)
    # force_zip64 would lengthen the local header by 20 bytes; give the size instead, so it is known.
    entry.file_size = column.nbytes + 128
    with archive.open(entry, "w") as member:
        np.lib.format.write_array(member, np.ascontiguousarray(column, _DTYPES[name]), version=(1, 0))  # type: ignore[no-untyped-call]  # numpy leaves it untyped


def load(path: Path) -> Tape:
    """Map a tape into memory. Columns are read-only views of the file; nothing is read until it is used.

    Raises InputError where the file is no tape, of another version, or lacks a column.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            header = json.loads(archive.read(_FACTS))
            offsets = {entry.filename: entry.header_offset for entry in archive.infolist()}
    except (OSError, zipfile.BadZipFile, KeyError, json.JSONDecodeError) as error:
        raise InputError("tape", str(path), "a tape file", "make one with `quoting data convert`") from error
    if header.get("format") != FORMAT or header.get("version") != VERSION:
        found = f"{header.get('format')} {header.get('version')}"
        raise InputError(f"{path}: format", found, f"{FORMAT} {VERSION}", "convert the source again")
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    columns = {name: _map_column(mapped, offsets, name, path) for name in _DTYPES}
    return Tape(facts=msgspec.convert(header["facts"], Facts), **columns)


def _map_column(mapped: mmap.mmap, offsets: Mapping[str, int], name: str, path: Path) -> npt.NDArray[Any]:
    start = offsets.get(f"{name}.npy")
    if start is None:
        raise InputError(f"{path}: column", name, "present", "convert the source again")
    name_length = int.from_bytes(mapped[start + 26 : start + 28], "little")
    extra_length = int.from_bytes(mapped[start + 28 : start + 30], "little")
    mapped.seek(start + 30 + name_length + extra_length)
    np.lib.format.read_magic(mapped)  # type: ignore[no-untyped-call]  # numpy leaves it untyped
    shape, _, dtype = np.lib.format.read_array_header_1_0(mapped)  # type: ignore[no-untyped-call]  # as above
    if len(shape) != 1 or dtype != _DTYPES[name]:
        raise InputError(f"{path}: column {name}", f"{dtype} {shape}", f"{_DTYPES[name]}, one axis")
    return np.frombuffer(mapped, dtype, shape[0], mapped.tell())


def verify(path: Path) -> Facts:
    """Recompute every column's sha256; returns the facts, or raises InputError naming the damaged column."""
    tape = load(path)
    with zipfile.ZipFile(path) as archive:
        expected = json.loads(archive.read(_FACTS))["sha256"]
    for name, column in tape.columns.items():
        if _digest(column) != expected.get(name):
            raise InputError(
                f"{path}: column {name}", "sha256 differs", "as written", "the file is damaged; convert again"
            )
    return tape.facts


def _digest(column: npt.NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(column).data).hexdigest()
