"""Raw files: opening them, and what is done about rows that can't be used."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from quoting_policy.data import text as text_kernel
from quoting_policy.data.rows import Fault
from quoting_policy.data.tape import Source
from quoting_policy.errors import InputError


class BadRows(StrEnum):
    """What happens to a row that can't be used."""

    REFUSE = "refuse"
    DROP = "drop"


@dataclass(slots=True)
class Intake:
    """The account of one conversion: files read, rows read, rows ignored on purpose, rows that were bad."""

    policy: BadRows = BadRows.REFUSE
    rows_read: int = 0
    bad: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    sources: list[Source] = field(default_factory=list)

    def __post_init__(self) -> None:
        try:
            self.policy = BadRows(self.policy)
        except ValueError as error:
            raise InputError("bad rows", self.policy, "refuse or drop") from error

    def read(self, path: Path) -> npt.NDArray[np.uint8]:
        """The bytes of a file, decompressed by its suffix (.gz, .bz2, .zip with one member)."""
        try:
            raw = path.read_bytes()
            content = _decompress(raw, path)
        except (OSError, EOFError, zipfile.BadZipFile) as error:
            raise InputError("file", str(path), "readable", str(error)) from error
        self.sources.append(Source(path.name, hashlib.sha256(raw).hexdigest()))
        return np.frombuffer(content, np.uint8)

    def keep(self, path: Path, faults: npt.NDArray[np.uint8], first_line: int = 1) -> npt.NDArray[np.bool_]:
        """Count the faulty rows; returns the mask of good ones, or raises for the first bad one.

        faults: one :class:`Fault` a row, 0 where it is good. first_line: line of the file of row 0.
        """
        good = np.asarray(faults == 0, np.bool_)
        if good.all():
            return good
        for number, count in zip(*np.unique(faults[~good], return_counts=True), strict=True):
            self.bad[Fault(number).label] += int(count)
        if self.policy is BadRows.REFUSE:
            row = int(np.argmin(good))
            raise InputError(
                f"{path.name} line {row + first_line}",
                Fault(int(faults[row])).label,
                "a usable row",
                f"mend the file, or leave {int((~good).sum())} rows out with --bad-rows drop",
            )
        return good

    @property
    def account(self) -> dict[str, Any]:
        """The account as facts of a tape."""
        return {
            "rows_read": self.rows_read,
            "bad": dict(sorted(self.bad.items())),
            "ignored": dict(sorted(self.ignored.items())),
            "sources": tuple(self.sources),
        }


def _decompress(raw: bytes, path: Path) -> bytes:
    if path.suffix == ".gz":
        return gzip.decompress(raw)
    if path.suffix == ".bz2":
        return bz2.decompress(raw)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(names) != 1:
                raise InputError("file", str(path), "a zip with one member", f"it has {len(names)}")
            return archive.read(names[0])
    return raw


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a text table: what it holds, and the decimal places that a DECIMAL is read with."""

    kind: int
    scale: int = 0


def read_table(
    text: npt.NDArray[np.uint8], columns: tuple[Column, ...]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Read comma separated text; returns values (columns × rows) and one fault a row."""
    kinds = np.array([c.kind for c in columns], np.int64)
    scales = np.array([c.scale for c in columns], np.int64)
    ends = text_kernel.line_ends(text)
    values = np.zeros((len(ends), len(columns)), np.int64)
    faults = np.zeros(len(ends), np.uint8)
    rows = text_kernel.table(text, ends, kinds, scales, values, faults)
    return values[:rows].T, faults[:rows]


def without_header(text: npt.NDArray[np.uint8], header: str, path: Path) -> npt.NDArray[np.uint8]:
    """The text below its header line, which must read exactly as documented."""
    stop = int(np.argmax(text == ord("\n"))) if len(text) else 0
    found = text[:stop].tobytes().decode(errors="replace").rstrip("\r")
    if found != header:
        raise InputError(f"{path.name} header", found[:120], header[:120], "is this file of that format?")
    return text[stop + 1 :]


def scaled(name: str, value: str, scale: int) -> int:
    """A positive decimal option as a count of ``10**-scale``."""
    try:
        units = Decimal(value).scaleb(scale)
    except InvalidOperation as error:
        raise InputError(name, value, "a decimal number") from error
    if units <= 0 or units != int(units):
        raise InputError(name, value, f"> 0 with at most {scale} decimal places")
    return int(units)


def mark(faults: npt.NDArray[np.uint8], where: npt.NDArray[np.bool_], fault: Fault) -> None:
    """Give rows a fault unless they have one already."""
    faults[where & (faults == 0)] = fault
