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
    mark(faults, ~np.isin(kind, (_CREATED, _CHANGED, _DELETED)), Fault.UNKNOWN_WORD)
    mark(faults, ~np.isin(direction, (word("bid"), word("ask"))), Fault.UNKNOWN_WORD)
    mark(faults, (cents <= 0) | (volume < 0), Fault.NOT_POSITIVE)
    mark(faults, np.diff(time_ms, prepend=time_ms[:1]) < 0, Fault.TIME_BACKWARD)
    ghost = np.isin(identifier, identifier[(kind == _CREATED) & (volume == 0)]) | _stillborn(identifier, kind)
    intake.ignored["order that never stood"] += int((ghost & (faults == 0)).sum())
    action = np.where(kind == _CREATED, ADD, np.where(kind == _CHANGED, FILL, REDUCE)).astype(np.uint8)
    action[ghost] = 0
    order, count = dense_orders(identifier, action == ADD)
    qty, price, ask = volume.copy(), cents.astype(np.int32), direction == word("ask")
    qty[kind == _DELETED] = 0
    _executed(order, kind == _CHANGED, kind == _CREATED, volume, count, qty)
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


def _stillborn(identifier: npt.NDArray[np.int64], kind: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Rows of orders whose first row is not their creation, though one follows."""
    known, first, place = np.unique(identifier, return_index=True, return_inverse=True)
    created = np.isin(known, identifier[kind == _CREATED])
    dead = created & (kind[first] != _CREATED)
    return np.asarray(dead[place], np.bool_)


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
