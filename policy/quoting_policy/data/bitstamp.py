"""Bitstamp order events: ``id,timestamp,exchange.timestamp,price,volume,action,direction`` (ob-analytics).

Times in ms, volume left in 1e-8 BTC. The exchange's own time names the order's birth, to the second, so rows
are ordered by receipt. Marketable orders appear as created before they match: some states are crossed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from quoting_policy.data.compiled import compiled
from quoting_policy.data.orders import dense_orders, settle
from quoting_policy.data.rows import ADD, ASK_SIDE, FILL, REDUCE, Fault
from quoting_policy.data.source import Column, Intake, mark, read_table, without_header
from quoting_policy.data.tape import Facts, Tape, traded_range
from quoting_policy.data.text import DECIMAL, INTEGER, WORD, word
from quoting_policy.errors import InputError

HEADER = "id,timestamp,exchange.timestamp,price,volume,action,direction"
_COLUMNS = (
    Column(INTEGER), Column(INTEGER), Column(INTEGER), Column(DECIMAL, 2), Column(INTEGER), Column(WORD),
    Column(WORD),
)  # fmt: skip
_CREATED, _CHANGED, _DELETED = word("created"), word("changed"), word("deleted")
_BID, _ASK = word("bid"), word("ask")


def load_bitstamp(paths: list[Path], intake: Intake, **_: str) -> Tape:
    """Read one file. A change is an execution (volume falls); a delete takes what is left.

    Rows of an order that the recording didn't see born are faulty, and so is a volume that rises. Orders
    created with volume 0, or reported dead before they were reported born, never stood in the book: they are
    counted and ignored.
    """
    if len(paths) != 1:
        raise InputError("files", len(paths), "one file")
    (path,) = paths
    values, faults = read_table(without_header(intake.read(path), HEADER, path), _COLUMNS)
    intake.rows_read += len(faults)
    identifier, time_ms, _, cents, volume, kind, direction = values
    created, changed, deleted, ask = kind == _CREATED, kind == _CHANGED, kind == _DELETED, direction == _ASK
    mark(faults, ~(created | changed | deleted), Fault.UNKNOWN_WORD)
    mark(faults, ~(ask | (direction == _BID)), Fault.UNKNOWN_WORD)
    mark(faults, (cents <= 0) | (volume < 0), Fault.NOT_POSITIVE)
    mark(faults, np.diff(time_ms, prepend=time_ms[:1]) < 0, Fault.TIME_BACKWARD)
    ghost = _ghosts(identifier, created, volume)
    intake.ignored["order that never stood"] += int((ghost & (faults == 0)).sum())
    action = np.where(created, np.uint8(ADD), np.where(changed, np.uint8(FILL), np.uint8(REDUCE)))
    action[ghost] = 0
    order, count = dense_orders(identifier, action == ADD)
    qty, price = volume.copy(), cents.astype(np.int32)
    qty[deleted] = 0
    _executed(order, changed, created, volume, count, qty)
    mark(faults, (action == FILL) & (qty < 0), Fault.EXCESS_QUANTITY)
    unchanged = (action == FILL) & (qty == 0) & (order >= 0)
    intake.ignored["change of nothing"] += int(unchanged.sum())
    action[unchanged] = 0
    settle(action, ask, order, price, qty, count, faults)
    kept = intake.keep(path, faults, first_line=2) & (action != 0)
    time_ns = time_ms[kept] * 1_000_000
    code = action | np.where(ask, ASK_SIDE, 0).astype(np.uint8)
    facts = Facts(
        venue="Bitstamp", symbol="BTCUSD", level=3, tick_size="0.01", qty_unit="0.00000001", lot=1,
        **traded_range(code[kept], price[kept]),
        notes=("ordered by time of receipt",), **intake.account,
    )  # fmt: skip
    return Tape(facts, time_ns, time_ns, code[kept], price[kept], qty[kept], order[kept])


def _ghosts(
    identifier: npt.NDArray[np.int64], created: npt.NDArray[np.bool_], volume: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Rows of orders that never stood: created with nothing, or whose creation is not their first row."""
    order, count = dense_orders(identifier, np.ones(len(identifier), np.bool_))
    empty, born, born_first = (np.zeros(count, np.bool_) for _ in range(3))
    empty[order[created & (volume == 0)]] = True
    born[order[created]] = True
    first = np.diff(np.maximum.accumulate(order), prepend=-1) > 0  # numbered in the order of first rows
    born_first[order[first & created]] = True
    return np.asarray((empty | (born & ~born_first))[order], np.bool_)


@compiled
def _executed(
    order: npt.NDArray[np.int32], changed: npt.NDArray[np.bool_], created: npt.NDArray[np.bool_],
    volume: npt.NDArray[np.int64], count: int, out: npt.NDArray[np.int64],
) -> None:  # fmt: skip
    """Turn the volume left after each change into the volume executed by it; rises stay as they are."""
    left = np.zeros(count, np.int64)
    for i in range(len(order)):
        if order[i] < 0:
            continue
        if created[i]:
            left[order[i]] = volume[i]
        elif changed[i]:
            out[i] = left[order[i]] - volume[i]
            left[order[i]] = volume[i]
