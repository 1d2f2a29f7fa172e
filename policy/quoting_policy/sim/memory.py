"""Where a replay's arrays lie: one small table of addresses that every compiled function is given.

A tuple of twenty arrays costs some 10 µs to hand from Python to compiled code, and as much copying at each
call inside. So compiled code gets one int64 array, the ``core``: address and length of each array in turn.
Its maker (:class:`~quoting_policy.sim.replay.Replay`) keeps the arrays alive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import carray, types  # type: ignore[attr-defined]  # numba has carray, its stubs don't
from numba.extending import intrinsic

from quoting_policy.data.compiled import lending
from quoting_policy.sim.layout import FILL_RECORD, ORDER, REQUEST, RESPONSE, RULES, STATE

Core = npt.NDArray[np.int64]

_I4, _I8, _U1 = np.dtype("<i4"), np.dtype("<i8"), np.dtype("u1")

LAYOUT: tuple[tuple[str, np.dtype[Any]], ...] = (
    ("exch_ns", _I8), ("local_ns", _I8), ("code", _U1), ("price", _I4), ("qty", _I8), ("order", _I4),
    ("local_order", _I4), ("exch_book", _I8), ("local_book", _I8), ("state", STATE), ("rules", RULES),
    ("orders", ORDER), ("live", _I8), ("requests", REQUEST), ("responses", RESPONSE), ("fills", FILL_RECORD),
    ("sessions", _I8), ("incidents", _I8), ("recorded", _I8),
)  # fmt: skip
"""Name and element type of each array, in the order of the table."""


def table_of(arrays: Sequence[npt.NDArray[Any]]) -> Core:
    """The table of the arrays' addresses and lengths (elements). The caller keeps the arrays."""
    for (name, dtype), array in zip(LAYOUT, arrays, strict=True):
        if array.dtype != dtype or not array.flags.c_contiguous or not array.flags.aligned:
            raise TypeError(f"{name}: {array.dtype} must be an aligned, contiguous array of {dtype}")
    return np.array([[array.ctypes.data, array.size] for array in arrays], np.int64).reshape(-1)


def _as_pointer(context: Any, address: Any) -> tuple[Any, Callable[..., Any]]:  # noqa: ARG001  # numba's protocol
    """An address as a pointer."""

    def build(cgctx: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001  # as above
        return builder.inttoptr(arguments[0], cgctx.get_value_type(types.voidptr))

    return types.voidptr(types.int64), build


_pointer: Any = intrinsic(_as_pointer)


@lending
def exch_ns(core: Core) -> npt.NDArray[np.int64]:
    """When the venue produced each row, ns."""
    return carray(_pointer(core[0]), core[1], _I8)


@lending
def local_ns(core: Core) -> npt.NDArray[np.int64]:
    """When the trader receives each row, ns."""
    return carray(_pointer(core[2]), core[3], _I8)


@lending
def code(core: Core) -> npt.NDArray[np.uint8]:
    """Action and side of each row."""
    return carray(_pointer(core[4]), core[5], _U1)


@lending
def price(core: Core) -> npt.NDArray[np.int32]:
    """Ticks of each row."""
    return carray(_pointer(core[6]), core[7], _I4)


@lending
def qty(core: Core) -> npt.NDArray[np.int64]:
    """Units of each row."""
    return carray(_pointer(core[8]), core[9], _I8)


@lending
def order(core: Core) -> npt.NDArray[np.int32]:
    """Market order of each row (L3)."""
    return carray(_pointer(core[10]), core[11], _I4)


@lending
def local_order(core: Core) -> npt.NDArray[np.int32]:
    """Rows in order of receipt; empty: as they stand."""
    return carray(_pointer(core[12]), core[13], _I4)


@lending
def exch_book(core: Core) -> npt.NDArray[np.int64]:
    """The venue's book: place -> units, bids then asks."""
    return carray(_pointer(core[14]), core[15], _I8)


@lending
def local_book(core: Core) -> npt.NDArray[np.int64]:
    """The trader's book: place -> units, bids then asks."""
    return carray(_pointer(core[16]), core[17], _I8)


@lending
def state(core: Core) -> Any:
    """The one record of :data:`STATE`."""
    return carray(_pointer(core[18]), 1, STATE)[0]


@lending
def rules(core: Core) -> Any:
    """The one record of :data:`RULES`."""
    return carray(_pointer(core[20]), 1, RULES)[0]


@lending
def orders(core: Core) -> npt.NDArray[Any]:
    """Own orders, one record a slot."""
    return carray(_pointer(core[22]), core[23], ORDER)


@lending
def live(core: Core) -> npt.NDArray[np.int64]:
    """Slots of own orders in the venue's book, by side's price, then time."""
    return carray(_pointer(core[24]), core[25], _I8)


@lending
def requests(core: Core) -> npt.NDArray[Any]:
    """Ring of requests on their way to the venue."""
    return carray(_pointer(core[26]), core[27], REQUEST)


@lending
def responses(core: Core) -> npt.NDArray[Any]:
    """Ring of responses on their way to the trader."""
    return carray(_pointer(core[28]), core[29], RESPONSE)


@lending
def fills(core: Core) -> npt.NDArray[Any]:
    """Fills in the order in which they happened."""
    return carray(_pointer(core[30]), core[31], FILL_RECORD)


@lending
def sessions(core: Core) -> npt.NDArray[np.int64]:
    """Half-open spans of continuous trading: rows of (start, end)."""
    return carray(_pointer(core[32]), (core[33] // 2, 2), _I8)


@lending
def incidents(core: Core) -> npt.NDArray[np.int64]:
    """Rows of (start, end, kind, amount)."""
    return carray(_pointer(core[34]), (core[35] // 4, 4), _I8)


@lending
def recorded(core: Core) -> npt.NDArray[np.int64]:
    """Measured delays: rows of (sent, entry, response), ns."""
    return carray(_pointer(core[36]), (core[37] // 3, 3), _I8)
