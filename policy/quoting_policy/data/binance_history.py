"""Binance's public history (data.binance.vision), USDT-M futures: ``trades`` and ``bookTicker`` CSV files.

trades: ``id,price,qty,quote_qty,time,is_buyer_maker``; bookTicker: ``update_id,best_bid_price,best_bid_qty,
best_ask_price,best_ask_qty,transaction_time,event_time``. Older files lack the header line. There is no depth
beyond the best prices, so the tape's book has one level a side.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from quoting_policy.data.rows import ASK_SIDE, DEPTH, TRADE, Fault
from quoting_policy.data.source import Column, Intake, mark, read_table, scaled, without_header
from quoting_policy.data.tape import Facts, Tape, traded_range
from quoting_policy.data.text import DECIMAL, INTEGER, SKIP, WORD, word
from quoting_policy.errors import InputError

TRADE_HEADER = "id,price,qty,quote_qty,time,is_buyer_maker"
QUOTE_HEADER = "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time"
_SCALE = 8
_DECIMAL = Column(DECIMAL, _SCALE)
_TRADES = (Column(INTEGER), _DECIMAL, _DECIMAL, Column(SKIP), Column(INTEGER), Column(WORD))
_QUOTES = (Column(INTEGER), _DECIMAL, _DECIMAL, _DECIMAL, _DECIMAL, Column(INTEGER), Column(SKIP))
_YES, _NO = (word("true"), word("True")), (word("false"), word("False"))


def load_binance_history(
    paths: list[Path], intake: Intake, *, tick: str = "", lot: str = "", symbol: str = "", **_: str
) -> Tape:
    """Read one trades file, one bookTicker file, or both (told apart by name), .csv or .zip."""
    if not tick or not lot:
        raise InputError(
            "tick, lot", (tick, lot), "given", "the files don't carry them: --tick 0.1 --lot 0.001"
        )
    units = scaled("tick", tick, _SCALE), scaled("lot", lot, _SCALE)
    parts = [(_quotes if "bookTicker" in path.name else _trades)(path, intake, *units) for path in paths]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(columns["exch_ns"], kind="stable")
    columns = {name: column[order] for name, column in columns.items()}
    facts = Facts(
        venue="Binance USDT-M", symbol=symbol or paths[0].name.partition("-")[0], level=2, tick_size=tick,
        qty_unit=lot, **traded_range(columns["code"], columns["price"]),
        notes=("best prices only", "no local clock"), **intake.account,
    )  # fmt: skip
    return Tape(facts, local_ns=columns["exch_ns"], **columns)


def _table(path: Path, intake: Intake, header: str, columns: tuple[Column, ...]) -> tuple[Any, Any, int]:
    text = intake.read(path)
    headed = bool(len(text)) and not 48 <= text[0] <= 57
    values, faults = read_table(without_header(text, header, path) if headed else text, columns)
    intake.rows_read += len(faults)
    return values, faults, 2 if headed else 1


def _trades(path: Path, intake: Intake, tick: int, lot: int) -> dict[str, npt.NDArray[Any]]:
    (number, price, qty, _, time_ms, maker), faults, line = _table(path, intake, TRADE_HEADER, _TRADES)
    mark(faults, ~np.isin(maker, _YES + _NO), Fault.UNKNOWN_WORD)
    mark(faults, (price <= 0) | (qty <= 0), Fault.NOT_POSITIVE)
    mark(faults, price % tick != 0, Fault.OFF_TICK)
    mark(faults, qty % lot != 0, Fault.OFF_LOT)
    mark(faults, np.diff(number, prepend=number[:1] - 1) <= 0, Fault.DUPLICATE_TRADE)
    kept = intake.keep(path, faults, line)
    side = np.where(np.isin(maker[kept], _YES), 0, ASK_SIDE)
    return {
        "exch_ns": time_ms[kept] * 1_000_000,
        "code": (TRADE | side).astype(np.uint8),
        "price": (price[kept] // tick).astype(np.int32),
        "qty": qty[kept] // lot,
    }


def _quotes(path: Path, intake: Intake, tick: int, lot: int) -> dict[str, npt.NDArray[Any]]:
    """Each best quote as the levels that it takes down and puts up."""
    (_, bid, bid_qty, ask, ask_qty, time_ms, _), faults, line = _table(path, intake, QUOTE_HEADER, _QUOTES)
    mark(faults, (bid <= 0) | (ask <= 0) | (bid_qty <= 0) | (ask_qty <= 0), Fault.NOT_POSITIVE)
    mark(faults, (bid % tick != 0) | (ask % tick != 0), Fault.OFF_TICK)
    mark(faults, (bid_qty % lot != 0) | (ask_qty % lot != 0), Fault.OFF_LOT)
    kept = intake.keep(path, faults, line)
    parts = []
    for price, qty, side in (
        (bid[kept] // tick, bid_qty[kept] // lot, 0),
        (ask[kept] // tick, ask_qty[kept] // lot, ASK_SIDE),
    ):
        gone = np.flatnonzero(np.diff(price) != 0) + 1
        changed = np.flatnonzero((np.diff(price, prepend=-1) != 0) | (np.diff(qty, prepend=-1) != 0))
        parts.append((gone, np.zeros(len(gone)), price[gone - 1], np.zeros(len(gone), np.int64), side))
        parts.append((changed, np.ones(len(changed)), price[changed], qty[changed], side))
    row = np.concatenate([p[0] for p in parts])
    order = np.lexsort((np.concatenate([p[1] for p in parts]), row))
    code = np.concatenate([np.full(len(p[0]), DEPTH | p[4], np.uint8) for p in parts])
    return {
        "exch_ns": time_ms[kept][row[order]] * 1_000_000,
        "code": code[order],
        "price": np.concatenate([p[2] for p in parts])[order].astype(np.int32),
        "qty": np.concatenate([p[3] for p in parts])[order],
    }
