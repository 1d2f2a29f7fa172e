"""Part of a tape as a tape of its own: the book as it stood first, then the rows of the span."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from quoting_policy.data.rows import ACTION, ADD, ASK_SIDE, CLEAR, DEPTH, TRADE
from quoting_policy.data.tape import Tape, receipt_order
from quoting_policy.errors import InputError

_ROW_COLUMNS = ("exch_ns", "local_ns", "code", "price", "qty", "order")


def cut(tape: Tape, start_ns: int, stop_ns: int) -> Tape:
    """The rows with exchange time in [start_ns, stop_ns), after the book as it stood at ``start_ns``.

    An L3 book comes back order by order, oldest first, so queue positions stay exact; an L2 book level by
    level. Facts keep the sessions that overlap the span.
    """
    if start_ns >= stop_ns:
        raise InputError("span", (start_ns, stop_ns), "start < stop (ns)")
    first, last = np.searchsorted(tape.exch_ns, (start_ns, stop_ns))
    book = _orders(tape, int(first)) if tape.facts.level == 3 else _levels(tape, int(first))
    count = len(book["code"])
    book |= {"exch_ns": np.full(count, start_ns), "local_ns": np.full(count, start_ns)}
    columns: dict[str, Any] = {}
    for name in _ROW_COLUMNS:
        column = getattr(tape, name)
        if len(column):
            columns[name] = np.concatenate([book[name], column[first:last]]).astype(column.dtype)
    quotes = slice(*np.searchsorted(tape.quote_exch_ns, (start_ns, stop_ns)))
    sessions = tuple(
        (max(a, start_ns), min(b, stop_ns)) for a, b in tape.facts.sessions if a < stop_ns and b > start_ns
    )
    return replace(
        tape.with_facts(sessions=sessions, snapshot=True),
        **columns,
        local_order=receipt_order(columns["local_ns"]),
        quote_exch_ns=tape.quote_exch_ns[quotes],
        quote_bid=tape.quote_bid[quotes],
        quote_ask=tape.quote_ask[quotes],
    )


def _orders(tape: Tape, stop: int) -> dict[str, npt.NDArray[Any]]:
    """Orders that rest after the first rows, as ADD rows in order of arrival."""
    code, order = tape.code[:stop], tape.order[:stop]
    action = code & ACTION
    book_rows = action != TRADE
    adds = np.flatnonzero(action == ADD)
    left = np.zeros(int(order.max(initial=-1)) + 1, np.int64)
    np.add.at(left, order[book_rows], np.where(action == ADD, tape.qty[:stop], -tape.qty[:stop])[book_rows])
    resting = adds[left[order[adds]] > 0]
    resting = resting[np.argsort(order[resting])]
    return {
        "code": code[resting],
        "price": tape.price[resting],
        "qty": left[order[resting]],
        "order": order[resting],
    }


def _levels(tape: Tape, stop: int) -> dict[str, npt.NDArray[Any]]:
    """Levels that stand after the first rows, as DEPTH rows, bids first."""
    parts = []
    for side in (0, ASK_SIDE):
        of_side = np.flatnonzero(tape.code[:stop] & ASK_SIDE == side)
        action = tape.code[of_side] & ACTION
        clears = np.flatnonzero(action == CLEAR)
        since = clears[-1] + 1 if len(clears) else 0
        depth = of_side[since:][action[since:] == DEPTH]
        _, newest = np.unique(tape.price[depth][::-1], return_index=True)
        depth = depth[len(depth) - 1 - newest]
        parts.append(depth[tape.qty[depth] > 0])
    rows = np.concatenate(parts)
    return {"code": tape.code[rows], "price": tape.price[rows], "qty": tape.qty[rows]}
