"""Hyperliquid recordings: 20-level books about half a second apart, and trades, as CSV with headers.

Each book is a whole picture, so it becomes the levels that changed since the last one. Levels that fall out
of the picture are gone from the tape as well. Trade ids repeat now and then: repeats are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from quoting_policy.data.compiled import flat, kernel
from quoting_policy.data.rows import ASK_SIDE, DEPTH, TRADE, Fault
from quoting_policy.data.source import Column, Intake, mark, read_table, scaled, without_header
from quoting_policy.data.tape import Facts, Tape, receipt_order, traded_range
from quoting_policy.data.text import DECIMAL, INTEGER, WORD, word
from quoting_policy.errors import InputError

Pictures = npt.NDArray[np.int64]
"""Books one after the other: (book, side, level)."""
LEVELS = 20
_SCALE = 8
BOOK_HEADER = "timestamp,sequence,exchange_timestamp," + ",".join(
    f"{side}_{what}_{k}" for k in range(LEVELS) for side in ("bid", "ask") for what in ("price", "size")
)
TRADE_HEADER = "timestamp,price,size,side,trade_id,exchange_timestamp"
_BOOK = (Column(DECIMAL, 9), Column(INTEGER), Column(INTEGER), *[Column(DECIMAL, _SCALE)] * (4 * LEVELS))
_TRADES = (
    Column(DECIMAL, 9), Column(DECIMAL, _SCALE), Column(DECIMAL, _SCALE), Column(WORD), Column(INTEGER),
    Column(INTEGER),
)  # fmt: skip


def load_hyperliquid(
    paths: list[Path], intake: Intake, *, tick: str = "1", lot: str = "0.00001", symbol: str = "BTC", **_: str
) -> Tape:
    """Read an order book file and its trade file (names with ``orderbooks`` and ``trades``)."""
    books = [p for p in paths if "orderbooks" in p.name]
    prints = [p for p in paths if "trades" in p.name]
    if len(books) != 1 or len(prints) > 1 or len(books) + len(prints) != len(paths):
        raise InputError("files", [p.name for p in paths], "one orderbooks file and at most one trades file")
    units = scaled("tick", tick, _SCALE), scaled("lot", lot, _SCALE)
    parts = [_book_rows(books[0], intake, *units)] + [_trade_rows(p, intake, *units) for p in prints]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(columns["exch_ns"], kind="stable")
    columns = {name: column[order] for name, column in columns.items()}
    shift = max(0, -int((columns["local_ns"] - columns["exch_ns"]).min(initial=0)))
    columns["local_ns"] = columns["local_ns"] + shift
    facts = Facts(
        venue="Hyperliquid", symbol=symbol, level=2, tick_size=tick, qty_unit=lot, local_clock=True,
        clock_shift_ns=shift, snapshot=True, **traded_range(columns["code"], columns["price"]),
        **intake.account,
    )  # fmt: skip
    return Tape(facts, **columns, local_order=receipt_order(columns["local_ns"]))


def _check(faults: npt.NDArray[np.uint8], price: Any, qty: Any, tick: int, lot: int) -> None:
    """Mark rows with a price or size that is not positive, off the tick or off the lot. 2-d: any column."""
    for bad, fault in (
        ((price <= 0) | (qty <= 0), Fault.NOT_POSITIVE),
        (price % tick != 0, Fault.OFF_TICK),
        (qty % lot != 0, Fault.OFF_LOT),
    ):
        mark(faults, bad if bad.ndim == 1 else bad.any(axis=0), fault)


def _book_rows(path: Path, intake: Intake, tick: int, lot: int) -> dict[str, npt.NDArray[Any]]:
    values, faults = read_table(without_header(intake.read(path), BOOK_HEADER, path), _BOOK)
    intake.rows_read += len(faults)
    price = np.stack([values[3::4], values[5::4]])
    qty = np.stack([values[4::4], values[6::4]])
    _check(faults, price.reshape(2 * LEVELS, -1), qty.reshape(2 * LEVELS, -1), tick, lot)
    mark(faults, np.diff(values[2], prepend=values[2][:1]) < 0, Fault.TIME_BACKWARD)
    kept = intake.keep(path, faults, first_line=2)
    exch_ns, local_ns = values[2][kept] * 1_000_000, values[0][kept]
    price, qty = (np.ascontiguousarray(x[:, :, kept].transpose(2, 0, 1)) for x in (price // tick, qty // lot))
    changes = np.empty((4, 2 * price.size), np.int64)
    book, sides, levels, sizes = changes[:, : _changes(price, qty, changes)]
    return {
        "exch_ns": exch_ns[book],
        "local_ns": local_ns[book],
        "code": (DEPTH | np.where(sides == 1, ASK_SIDE, 0)).astype(np.uint8),
        "price": levels.astype(np.int32),
        "qty": sizes,
    }


@kernel
def _changes(price: Pictures, qty: Pictures, out: npt.NDArray[np.int64]) -> int:
    """Levels that changed from book to book: first those that are gone, then those that are new or resized.

    out: rows of (book, side, price, size), one column a change; returns their number.
    """
    count = 0
    for k in range(len(price)):
        for side in range(2):
            for j in range(LEVELS):
                level = price[k - 1, side, j]
                if k > 0 and _is_first(price, k - 1, side, j) and _size(price, qty, k, side, level) < 0:
                    out[0, count], out[1, count], out[2, count], out[3, count] = k, side, level, 0
                    count += 1
            for j in range(LEVELS):
                level = price[k, side, j]
                size = _size(price, qty, k, side, level)
                if _is_first(price, k, side, j) and (k == 0 or _size(price, qty, k - 1, side, level) != size):
                    out[0, count], out[1, count], out[2, count], out[3, count] = k, side, level, size
                    count += 1
    return count


@flat
def _is_first(price: Pictures, k: int, side: int, j: int) -> bool:
    """Whether a book's level is the first one of its price."""
    return _place_of(price, k, side, price[k, side, j]) == j


@flat
def _place_of(price: Pictures, k: int, side: int, level: int) -> int:
    """Where a book first names a price that it has."""
    j = 0
    while price[k, side, j] != level:
        j += 1
    return j


@flat
def _size(price: Pictures, qty: Pictures, k: int, side: int, level: int) -> int:
    """What stands at a price in a book, -1 if nothing does. Where a price is named twice, the later holds."""
    for i in range(LEVELS - 1, -1, -1):
        if price[k, side, i] == level:
            return qty[k, side, i]
    return -1


def _trade_rows(path: Path, intake: Intake, tick: int, lot: int) -> dict[str, npt.NDArray[Any]]:
    values, faults = read_table(without_header(intake.read(path), TRADE_HEADER, path), _TRADES)
    intake.rows_read += len(faults)
    local_ns, price, qty, side, trade_id, exch_ms = values
    mark(faults, ~np.isin(side, (word("buy"), word("sell"))), Fault.UNKNOWN_WORD)
    _check(faults, price, qty, tick, lot)
    first = np.zeros(len(trade_id), np.bool_)
    first[np.unique(trade_id, return_index=True)[1]] = True
    intake.ignored["repeated trade"] += int((~first & (faults == 0)).sum())
    kept = intake.keep(path, faults, first_line=2) & first
    return {
        "exch_ns": exch_ms[kept] * 1_000_000,
        "local_ns": local_ns[kept],
        "code": (TRADE | np.where(side[kept] == word("buy"), ASK_SIDE, 0)).astype(np.uint8),
        "price": (price[kept] // tick).astype(np.int32),
        "qty": qty[kept] // lot,
    }
