"""The CSV that ``quoting calibrate fills`` reads: trades, or the deepest trade of each window.

A header names the columns; their order is free. ``depth``: how far beyond the mid a trade reached, price.
``side`` (optional): ``bid`` or ``ask``, the side of ours that it would have filled.

- trades: ``time,depth[,side]``, time in seconds, not falling;
- windows: ``deepest[,side]``, one row a window (and side), empty where nothing traded.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from quoting_policy.errors import InputError

Side = Literal["bid", "ask", "both"]
_SIDES: tuple[Side, ...] = ("bid", "ask")


class Trades(NamedTuple):
    """Trades of one side. times: s, not falling. depths: price."""

    times: list[float]
    depths: list[float]


class Windows(NamedTuple):
    """Deepest depth of each window of one side, price; None where nothing traded."""

    deepest: list[float | None]


def read(path: Path) -> dict[Side, Trades] | dict[Side, Windows]:
    """The file's rows by side; all under ``both`` without a side column.

    Raises InputError naming line and column of the first row that cannot be used.
    """
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            table = csv.DictReader(lines, strict=True)
            header = set(table.fieldnames or ())
            rows = list(table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError("--data", str(path), f"a readable CSV file: {error}") from None
    kind = header - {"side"}
    if not rows or kind not in ({"time", "depth"}, {"deepest"}):
        raise InputError(
            "--data", sorted(header), "a header of time,depth[,side] or deepest[,side], with rows below it"
        )
    numbered = list(enumerate(rows, start=2))
    return _trades(numbered) if "depth" in kind else _windows(numbered)


def _trades(rows: Iterable[tuple[int, dict[str, str]]]) -> dict[Side, Trades]:
    found: dict[Side, Trades] = {}
    last = -math.inf
    for line, row in rows:
        time = _number(line, row, "time")
        if time < last:
            raise InputError(f"line {line}, time", time, f">= {last!r}, the time before it")
        last = time
        trades = found.setdefault(_side(line, row), Trades([], []))
        trades.times.append(time)
        trades.depths.append(_number(line, row, "depth"))
    return found


def _windows(rows: Iterable[tuple[int, dict[str, str]]]) -> dict[Side, Windows]:
    found: dict[Side, Windows] = {}
    for line, row in rows:
        deepest = _number(line, row, "deepest") if (row["deepest"] or "").strip() else None
        found.setdefault(_side(line, row), Windows([])).deepest.append(deepest)
    return found


def _number(line: int, row: dict[str, str], column: str) -> float:
    text = row[column]
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"line {line}, {column}", text, "a finite number")
    return value


def _side(line: int, row: dict[str, str]) -> Side:
    if "side" not in row:
        return "both"
    for side in _SIDES:
        if row["side"] == side:
            return side
    raise InputError(f"line {line}, side", row["side"], "bid or ask")
