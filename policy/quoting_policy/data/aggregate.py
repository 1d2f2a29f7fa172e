"""An order-by-order tape seen as a feed of levels: what an L2 feed of the same market would have shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from quoting_policy.data.compiled import compiled
from quoting_policy.data.rows import ACTION, ADD, ASK_SIDE, DEPTH, FILL, TRADE
from quoting_policy.data.tape import Tape, receipt_order
from quoting_policy.errors import InputError


def aggregate(tape: Tape) -> Tape:
    """Every row as the new size of its level; every execution as a print before it."""
    if tape.facts.level != 3:
        raise InputError("tape level", tape.facts.level, "3 (order by order)")
    action = tape.code & ACTION
    row = np.repeat(np.arange(len(tape)), np.where(action == FILL, 2, 1))
    prints = (np.diff(row, append=len(tape)) == 0) | (action[row] == TRADE)
    size = np.zeros(len(tape), np.int64)
    low = int(tape.price.min(initial=0))
    _level_sizes(tape.code, tape.price, tape.qty, low, int(tape.price.max(initial=0)) - low + 1, size)
    code = (np.where(prints, TRADE, DEPTH) | (tape.code[row] & ASK_SIDE)).astype(np.uint8)
    local_ns = tape.local_ns[row]
    return replace(
        tape.with_facts(level=2, notes=(*tape.facts.notes, "levels made from orders")),
        exch_ns=tape.exch_ns[row],
        local_ns=local_ns,
        code=code,
        price=tape.price[row],
        qty=np.where(prints, tape.qty[row], size[row]),
        order=np.zeros(0, "<i4"),
        local_order=receipt_order(local_ns),
    )


@compiled
def _level_sizes(
    code: npt.NDArray[np.uint8], price: npt.NDArray[np.int32], qty: npt.NDArray[np.int64], low: int,
    width: int,
    out: npt.NDArray[np.int64],
) -> None:  # fmt: skip
    """The size of each row's level after the row."""
    book = np.zeros(2 * width, np.int64)
    for i in range(len(code)):
        action = code[i] & ACTION
        at = price[i] - low + (width if code[i] & ASK_SIDE else 0)
        if action == ADD:
            book[at] += qty[i]
        elif action != TRADE:
            book[at] -= qty[i]
        out[i] = book[at]
