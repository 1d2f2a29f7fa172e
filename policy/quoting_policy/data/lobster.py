"""LOBSTER message files, ``time,type,order,size,price,direction`` (lobsterdata.com, "Data structure").

Times in seconds after midnight, prices in 1/10000 dollar. Types: 1 new order, 2 part of one cancelled, 3
deleted, 4 executed, 5 execution of a hidden order, 6 cross trade, 7 halt. Orders that rested before the first
message were never sent: their later messages name unknown orders, which is a fault to be dropped knowingly.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from quoting_policy.data.orders import dense_orders, settle
from quoting_policy.data.rows import ADD, ASK_SIDE, FILL, REDUCE, TRADE, Fault
from quoting_policy.data.source import Column, Intake, mark, read_table, scaled
from quoting_policy.data.tape import Facts, Tape, traded_range
from quoting_policy.data.text import DECIMAL, INTEGER
from quoting_policy.errors import InputError

_COLUMNS = (
    Column(DECIMAL, 9), Column(INTEGER), Column(INTEGER), Column(INTEGER), Column(INTEGER), Column(INTEGER),
)  # fmt: skip
_HOUR = 3_600_000_000_000
_ACTIONS = np.array([0, ADD, REDUCE, REDUCE, FILL, TRADE, 0, 0], np.uint8)


def load_lobster(
    paths: list[Path], intake: Intake, *, tick: str = "0.01", symbol: str = "", **_: str
) -> Tape:
    """Read one message file. Hidden executions become prints; crosses and halts are counted and ignored."""
    if len(paths) != 1:
        raise InputError("files", len(paths), "one message file")
    (path,) = paths
    values, faults = read_table(intake.read(path), _COLUMNS)
    intake.rows_read += len(faults)
    time_ns, kind, identifier, size, price, direction = values
    unit = scaled("tick", tick, 4)
    known = (kind >= 1) & (kind <= 7)
    used = known & (kind < 6)
    mark(faults, ~known | ~np.isin(direction, (-1, 1)) & used, Fault.UNKNOWN_WORD)
    mark(faults, used & ((size <= 0) | (price <= 0)), Fault.NOT_POSITIVE)
    mark(faults, used & (kind < 5) & (price % unit != 0), Fault.OFF_TICK)
    mark(faults, np.diff(time_ns, prepend=time_ns[:1]) < 0, Fault.TIME_BACKWARD)
    intake.ignored["cross or halt"] += int((known & ~used).sum())
    action = _ACTIONS[np.where(known, kind, 0)]
    # A hidden print may lie between ticks: it touches no queue, and is rounded to the nearest tick.
    ticks, qty, ask = np.rint(price / unit).astype(np.int32), size.copy(), direction == -1
    qty[kind == 3] = 0
    order, count = dense_orders(identifier, (action == ADD) & (faults == 0))
    settle(action, ask, order, ticks, qty, count, faults)
    kept = intake.keep(path, faults) & (action != 0)
    order[action == TRADE] = -1
    name = re.match(r"([A-Za-z.]+)_(\d{4}-\d{2}-\d{2})_", path.name)
    code = action | np.where(ask, ASK_SIDE, 0).astype(np.uint8)
    facts = Facts(
        venue="NASDAQ (LOBSTER)", symbol=symbol or (name.group(1) if name else path.stem), level=3,
        tick_size=tick,
        qty_unit="1", epoch=f"midnight {name.group(2) if name else 'of the recorded day'} America/New_York",
        sessions=((int(9.5 * _HOUR), 16 * _HOUR),), **traded_range(code[kept], ticks[kept]), **intake.account,
    )  # fmt: skip
    return Tape(facts, time_ns[kept], time_ns[kept], code[kept], ticks[kept], qty[kept], order[kept])
