"""Order-by-order feeds: dense order numbers, and the check of every row against the orders that exist."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from quoting_policy.data.compiled import compiled, flat, kernel
from quoting_policy.data.rows import ADD, FILL, REDUCE, Fault

_UNKNOWN = int(Fault.UNKNOWN_ORDER)
_DUPLICATE = int(Fault.DUPLICATE_ORDER)
_EXCESS = int(Fault.EXCESS_QUANTITY)


def dense_orders(
    identifier: npt.NDArray[np.int64], adds: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int32], int]:
    """Number orders 0, 1, ... by the row that added them first; -1 for an order that no row adds.

    Returns the number of each row's order and the count of orders.
    """
    numbers = np.empty(len(identifier), np.int32)
    count = _number(np.ascontiguousarray(identifier), np.ascontiguousarray(adds), *_table(adds), numbers)
    return numbers, int(count)


def _table(adds: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """An empty hash table, at most half full once every order is in it: identifiers, and their numbers."""
    size = 1 << (2 * int(adds.sum()) + 1).bit_length()
    return np.zeros(size, np.int64), np.full(size, -1, np.int32)


@flat
def _slot(keys: npt.NDArray[np.int64], values: npt.NDArray[np.int32], key: int) -> int:
    """Where an identifier is in the table, or would be."""
    mask = np.uint64(len(keys) - 1)
    slot = (np.uint64(key) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(20)) & mask
    while values[slot] >= 0 and keys[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return slot


@kernel
def _number(
    identifier: npt.NDArray[np.int64], adds: npt.NDArray[np.bool_], keys: npt.NDArray[np.int64],
    values: npt.NDArray[np.int32], out: npt.NDArray[np.int32],
) -> int:  # fmt: skip
    count = 0
    for i in range(len(identifier)):
        if adds[i]:
            slot = _slot(keys, values, identifier[i])
            if values[slot] < 0:
                keys[slot], values[slot] = identifier[i], count
                count += 1
    for i in range(len(identifier)):
        out[i] = values[_slot(keys, values, identifier[i])]
    return count


@compiled
def settle(
    action: npt.NDArray[np.uint8],
    ask: npt.NDArray[np.bool_],
    order: npt.NDArray[np.int32],
    price: npt.NDArray[np.int32],
    qty: npt.NDArray[np.int64],
    count: int,
    faults: npt.NDArray[np.uint8],
) -> None:
    """Walk the rows in order, follow every order's remaining quantity, and mark rows that contradict it.

    In place: price becomes the resting order's own limit price, ask its own side, and a REDUCE of 0 becomes
    the whole remainder (a delete). Rows that have a fault already are passed over.
    """
    left = np.zeros(count, np.int64)
    limit = np.zeros(count, np.int32)
    side = np.zeros(count, np.bool_)
    seen = np.zeros(count, np.bool_)
    for i in range(len(action)):
        kind = action[i]
        if faults[i] != 0 or kind not in (ADD, REDUCE, FILL):
            continue
        j = order[i]
        if kind == ADD:
            if seen[j]:
                faults[i] = _DUPLICATE
                continue
            seen[j], left[j], limit[j], side[j] = True, qty[i], price[i], ask[i]
            continue
        if j < 0 or not seen[j] or left[j] == 0:
            faults[i] = _UNKNOWN
            continue
        removed = left[j] if kind == REDUCE and qty[i] == 0 else qty[i]
        if removed > left[j]:
            faults[i] = _EXCESS
            continue
        left[j] -= removed
        qty[i], price[i], ask[i] = removed, limit[j], side[j]
