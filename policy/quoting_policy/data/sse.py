"""Shanghai Stock Exchange, order by order: one CSV file a stock and day.

``appl_seq,time_s_after_midnight,type,order_no,side,price,qty_shares,bid_order_no,ask_order_no``; type A adds,
D deletes, T trades (side = aggressor, N = auction). The venue's order is ``appl_seq``, not time: many rows
share a 10 ms stamp. An aggressive order shows only as its trades, then as an A row with what is left of it,
so a trade takes from the resting leg alone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from quoting_policy.data.orders import dense_orders, settle
from quoting_policy.data.rows import ADD, ASK_SIDE, FILL, REDUCE, TRADE, Fault
from quoting_policy.data.source import Column, Intake, mark, read_table, without_header
from quoting_policy.data.tape import Facts, Tape, traded_range
from quoting_policy.data.text import DECIMAL, INTEGER, OPTIONAL_INTEGER, WORD, word
from quoting_policy.errors import InputError

HEADER = "appl_seq,time_s_after_midnight,type,order_no,side,price,qty_shares,bid_order_no,ask_order_no"
_COLUMNS = (
    Column(INTEGER), Column(DECIMAL, 9), Column(WORD), Column(OPTIONAL_INTEGER), Column(WORD),
    Column(DECIMAL, 2), Column(INTEGER), Column(OPTIONAL_INTEGER), Column(OPTIONAL_INTEGER),
)  # fmt: skip
_HOUR = 3_600_000_000_000
SESSIONS = ((int(9.5 * _HOUR), int(11.5 * _HOUR)), (13 * _HOUR, int(14.95 * _HOUR)))
"""Continuous trading, ns after midnight: 09:30-11:30 and 13:00-14:57."""
_ADD, _DELETE, _TRADE = word("A"), word("D"), word("T")
_BUY, _SELL, _AUCTION = word("B"), word("S"), word("N")


def load_sse(paths: list[Path], intake: Intake, **_: str) -> Tape:
    """Read one file of one stock. Tick 0.01 CNY, quantities in shares, board lot 100."""
    if len(paths) != 1:
        raise InputError("files", len(paths), "one file: a stock and a day")
    (path,) = paths
    text = without_header(intake.read(path), HEADER, path)
    values, faults = read_table(text, _COLUMNS)
    intake.rows_read += len(faults)
    _screen(values, faults)
    row, columns = _book_rows(values, faults)
    kept = intake.keep(path, faults, first_line=2)[row]
    columns = {name: column[kept] for name, column in columns.items()}
    return Tape(facts=_facts(path, intake, columns), **columns)


def _screen(values: npt.NDArray[np.int64], faults: npt.NDArray[np.uint8]) -> None:
    sequence, _, kind, _, side, price, qty, bid_order, ask_order = values
    mark(faults, ~np.isin(kind, (_ADD, _DELETE, _TRADE)), Fault.UNKNOWN_WORD)
    mark(faults, ~np.isin(side, (_BUY, _SELL, _AUCTION)), Fault.UNKNOWN_WORD)
    mark(faults, (side == _AUCTION) & (kind != _TRADE), Fault.UNKNOWN_WORD)
    mark(faults, (qty <= 0) | (price <= 0), Fault.NOT_POSITIVE)
    mark(faults, (kind == _TRADE) & ((bid_order < 0) | (ask_order < 0)), Fault.MISSING_FIELD)
    backward = np.zeros(len(sequence), np.bool_)
    backward[1:] = np.diff(sequence) <= 0
    mark(faults, backward, Fault.SEQUENCE_GAP)


def _book_rows(
    values: npt.NDArray[np.int64], faults: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.int64], dict[str, npt.NDArray[Any]]]:
    """The book rows that each text row makes, and which text row each came from; marks faults in place.

    An auction trade makes three: both legs leave the book, and the print at the auction's price.
    """
    auction = (values[2] == _TRADE) & (values[4] == _AUCTION)
    row = np.repeat(np.arange(len(faults)), np.where(auction, 3, 1))
    leg = np.arange(len(row)) - np.flatnonzero(np.diff(row, prepend=-1))[row]
    _, time_ns, kind, order_no, side, price, qty, bid_order, ask_order = (column[row] for column in values)
    in_auction, trade = auction[row], kind == _TRADE
    ask = np.where(trade, np.where(in_auction, leg == 1, side == _BUY), side == _SELL)
    identifier = np.where(trade, np.where(ask, ask_order, bid_order), order_no)
    action = np.where(trade, np.where(in_auction, REDUCE, FILL), np.where(kind == _ADD, ADD, REDUCE))
    action = np.where(in_auction & (leg == 2), TRADE, action).astype(np.uint8)
    order, count = dense_orders(identifier, action == ADD)
    order[action == TRADE] = -1
    leg_faults, ticks, units = faults[row], price.astype(np.int32), qty.copy()
    settle(action, ask, order, ticks, units, count, leg_faults)
    np.maximum.at(faults, row, leg_faults)
    code = action | np.where(ask, ASK_SIDE, 0).astype(np.uint8)
    columns = {
        "exch_ns": time_ns,
        "local_ns": time_ns,
        "code": code,
        "price": ticks,
        "qty": units,
        "order": order,
    }
    return row, columns


def _facts(path: Path, intake: Intake, columns: dict[str, npt.NDArray[Any]]) -> Facts:
    symbol, _, rest = path.name.partition("_")
    day = re.match(r"\d{4}-\d{2}-\d{2}", rest)
    return Facts(
        venue="SSE",
        symbol=symbol,
        level=3,
        tick_size="0.01",
        qty_unit="1",
        lot=100,
        epoch=f"midnight {day.group() if day else 'of the recorded day'} Asia/Shanghai",
        sessions=SESSIONS,
        snapshot=True,
        **traded_range(columns["code"], columns["price"]),
        **intake.account,
    )
