"""Binance futures websocket lines, ``<local receive time> <json>``, read in one pass over the bytes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from quoting_policy.data.compiled import inner, kernel
from quoting_policy.data.rows import ASK_SIDE, DEPTH, TRADE, Fault
from quoting_policy.data.text import BAD, decimal, word

SCALE = 8
"""Prices and quantities are read as counts of 10**-8."""

DEPTH_DIFF, SNAPSHOT, TRADE_PRINT, BEST_QUOTE, UNUSED = range(5)
"""What a message is."""

_KEYS = [
    "e",
    "E",
    "T",
    "U",
    "u",
    "pu",
    "b",
    "a",
    "p",
    "q",
    "X",
    "m",
    "B",
    "A",
    "bids",
    "asks",
    "data",
    "lastUpda",
]
(_E, _EVENT_TIME, _T, _FIRST, _LAST, _PREVIOUS, _B, _A, _P, _Q, _X, _M, _BID_QTY, _ASK_QTY, _BIDS, _ASKS,
 _DATA, _UPDATE) = range(len(_KEYS))  # fmt: skip
_KEY_WORDS = np.array([word(key) for key in _KEYS], np.int64)
_DEPTH_WORD, _QUOTE_WORD, _TRADE_WORD, _MARKET_WORD = (
    word(text) for text in ("depthUpd", "bookTick", "trade", "MARKET")
)
_TRUE_WORD = word("true")
_FALSE_WORD = word("false")
_NOT_JSON = int(Fault.NOT_JSON)
_MISSING = int(Fault.MISSING_FIELD)
_OFF_TICK = int(Fault.OFF_TICK)
_OFF_LOT = int(Fault.OFF_LOT)
_NOT_POSITIVE = int(Fault.NOT_POSITIVE)
_NOT_A_NUMBER = int(Fault.NOT_A_NUMBER)
_UNKNOWN_WORD = int(Fault.UNKNOWN_WORD)


class Stream(NamedTuple):
    """Where the pass over the text writes.

    kind, local_ns, exch_ns, first, last, previous, row, fault: one entry a line; first, last, previous are
    the update ids U, u, pu; row is the first book row of the message. code, price, qty: book rows in units
    of the tick and the lot. bid, ask: ticks of a best quote, one entry a line.
    """

    kind: npt.NDArray[np.uint8]
    local_ns: npt.NDArray[np.int64]
    exch_ns: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    previous: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    fault: npt.NDArray[np.uint8]
    code: npt.NDArray[np.uint8]
    price: npt.NDArray[np.int32]
    qty: npt.NDArray[np.int64]
    bid: npt.NDArray[np.int32]
    ask: npt.NDArray[np.int32]


def empty_stream(text: npt.NDArray[np.uint8], lines: int) -> Stream:
    """Room for every line and every ``[price, quantity]`` pair of the text."""
    rows = int(np.count_nonzero(text == ord("["))) + lines
    sizes = dict.fromkeys(Stream._fields, lines) | {"code": rows, "price": rows, "qty": rows}
    types = {"kind": "u1", "fault": "u1", "code": "u1", "price": "i4", "bid": "i4", "ask": "i4"}
    return Stream(**{name: np.zeros(size, types.get(name, "i8")) for name, size in sizes.items()})


@inner
def _prefix(text: npt.NDArray[np.uint8], start: int, stop: int) -> int:
    """The first eight bytes of a word as one integer."""
    value = 0
    for i in range(min(stop, start + 8) - 1, start - 1, -1):
        value = (value << 8) | text[i]
    return value


@inner
def _skip_string(text: npt.NDArray[np.uint8], i: int, stop: int) -> int:
    """The place after the string that starts at the quote ``text[i]``."""
    i += 1
    while i < stop and text[i] != 34:
        i += 2 if text[i] == 92 else 1
    return i + 1


@inner
def _skip_value(text: npt.NDArray[np.uint8], i: int, stop: int) -> int:
    """The place after the JSON value that starts at ``text[i]``."""
    depth = 0
    while i < stop:
        c = text[i]
        if c == 34:
            i = _skip_string(text, i, stop)
            if depth == 0:
                return i
            continue
        if c in (123, 91):
            depth += 1
        elif c in (125, 93):
            depth -= 1
            if depth <= 0:
                return i + 1 if depth == 0 else i
        elif depth == 0 and c in (44, 32):
            return i
        i += 1
    return i


@inner
def _skip_blank(text: npt.NDArray[np.uint8], i: int, stop: int, separator: int) -> int:
    while i < stop and text[i] in (32, separator):
        i += 1
    return i


@inner
def _object(
    text: npt.NDArray[np.uint8],
    i: int,
    stop: int,
    starts: npt.NDArray[np.int64],
    stops: npt.NDArray[np.int64],
) -> int:
    """Note where the values of the known keys of the object at ``text[i]`` lie; strings without quotes.

    Returns the place after the object, or -1. The value of ``data`` is not looked through: the object ends
    there, for the caller to read the inner one.
    """
    i = _skip_blank(text, i, stop, 32)
    if i >= stop or text[i] != 123:
        return -1
    i = _skip_blank(text, i + 1, stop, 44)
    while i < stop and text[i] != 125:
        if text[i] != 34:
            return -1
        end = _skip_string(text, i, stop)
        key = _prefix(text, i + 1, end - 1)
        i = _skip_blank(text, end, stop, 58)
        if key == _KEY_WORDS[_DATA]:
            starts[:] = -1
            starts[_DATA] = i
            return i
        end = _skip_value(text, i, stop)
        if i >= stop or end > stop:
            return -1
        for k in range(len(_KEY_WORDS)):
            if _KEY_WORDS[k] == key:
                quoted = 1 if text[i] == 34 else 0
                starts[k], stops[k] = i + quoted, end - quoted
                break
        i = _skip_blank(text, end, stop, 44)
    return i + 1 if i < stop else -1


@inner
def _levels(
    text: npt.NDArray[np.uint8], start: int, stop: int, side: int, tick: int, lot: int, out: Stream, row: int
) -> int:
    """Write the ``[["price","quantity"], ...]`` at ``text[start:stop]`` as book rows.

    Returns the next free row, or minus the fault.
    """
    i = _skip_blank(text, start + 1, stop, 44)
    while i < stop and text[i] == 91:
        i = _skip_blank(text, i + 1, stop, 32)
        end = _skip_string(text, i, stop)
        price = decimal(text, i + 1, end - 1, SCALE)
        i = _skip_blank(text, end, stop, 44)
        end = _skip_string(text, i, stop)
        qty = decimal(text, i + 1, end - 1, SCALE)
        i = _skip_blank(text, end, stop, 32)
        if end > stop or i >= stop or text[i] != 93:
            return -_NOT_JSON
        fault = _check(price, qty, tick, lot, 0)
        if fault:
            return -fault
        out.code[row], out.price[row], out.qty[row] = DEPTH | side, price // tick, qty // lot
        row += 1
        i = _skip_blank(text, i + 1, stop, 44)
    return row if i < stop and text[i] == 93 else -_NOT_JSON


@inner
def _check(price: int, qty: int, tick: int, lot: int, least_qty: int) -> int:
    """The fault of a price and a quantity, 0 if they can be used."""
    if BAD in (price, qty):
        return _NOT_A_NUMBER
    if price <= 0 or qty < least_qty:
        return _NOT_POSITIVE
    if price % tick:
        return _OFF_TICK
    return _OFF_LOT if qty % lot else 0


def read_lines(
    text: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64], tick: int, lot: int, out: Stream
) -> tuple[int, int]:
    """Read all lines; returns the number of messages and of book rows. tick, lot: counts of 10**-8."""
    places = np.zeros((2, len(_KEY_WORDS)), np.int64)
    lines, rows = _read_lines(text, ends, tick, lot, out, places[0], places[1])
    return lines, rows


@kernel
def _read_lines(
    text: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64], tick: int, lot: int, out: Stream,
    starts: npt.NDArray[np.int64], stops: npt.NDArray[np.int64],
) -> tuple[int, int]:  # fmt: skip
    i, line, row = 0, 0, 0
    for stop in ends:
        if stop > i:
            starts[:] = -1
            out.row[line] = row
            written = _line(text, i, stop, tick, lot, out, line, row, starts, stops)
            if written < 0:
                out.fault[line], out.kind[line] = -written, UNUSED
            else:
                row = written
            line += 1
        i = stop + 1
    return line, row


@inner
def _line(
    text: npt.NDArray[np.uint8], i: int, stop: int, tick: int, lot: int, out: Stream, line: int, row: int,
    starts: npt.NDArray[np.int64], stops: npt.NDArray[np.int64],
) -> int:  # fmt: skip
    """Read one line; returns the next free row, or minus the fault."""
    space = i
    while space < stop and text[space] != 32:
        space += 1
    local = decimal(text, i, space, 0)
    digits = space - i
    if local == BAD or digits not in (13, 16, 19):  # ms, µs, ns since 1970
        return -_NOT_A_NUMBER
    out.local_ns[line] = local * (1 if digits == 19 else 1_000 if digits == 16 else 1_000_000)
    end = _object(text, space + 1, stop, starts, stops)
    if end >= 0 and starts[_DATA] >= 0:  # a combined stream wraps the message
        end = _object(text, starts[_DATA], stop, starts, stops)
        end = -1 if end < 0 else _skip_blank(text, end, stop, 125)
    if end < 0 or _skip_blank(text, end, stop, 13) != stop:
        return -_NOT_JSON
    return _message(text, tick, lot, out, line, row, starts, stops)


@inner
def _integer(
    text: npt.NDArray[np.uint8], key: int, starts: npt.NDArray[np.int64], stops: npt.NDArray[np.int64]
) -> int:
    return decimal(text, starts[key], stops[key], 0) if starts[key] >= 0 else BAD


@inner
def _message(
    text: npt.NDArray[np.uint8], tick: int, lot: int, out: Stream, line: int, row: int,
    starts: npt.NDArray[np.int64], stops: npt.NDArray[np.int64],
) -> int:  # fmt: skip
    """Read the message whose values were found; returns the next free row, or minus the fault."""
    event = _prefix(text, starts[_E], stops[_E]) if starts[_E] >= 0 else 0
    snapshot = event == 0 and starts[_BIDS] >= 0 and starts[_ASKS] >= 0
    known = snapshot or event in (_DEPTH_WORD, _QUOTE_WORD, _TRADE_WORD)
    if not known:
        out.kind[line] = UNUSED
        return row if event != 0 else -_MISSING
    milliseconds = _integer(text, _T, starts, stops)
    if milliseconds == BAD:
        return -_MISSING
    out.exch_ns[line] = milliseconds * 1_000_000
    if event == _TRADE_WORD:
        return _trade(text, tick, lot, out, line, row, starts, stops)
    if event == _QUOTE_WORD:
        return _quote(text, tick, out, line, row, starts, stops)
    bids, asks = (_BIDS, _ASKS) if snapshot else (_B, _A)
    out.kind[line] = SNAPSHOT if snapshot else DEPTH_DIFF
    out.first[line] = _integer(text, _UPDATE if snapshot else _FIRST, starts, stops)
    out.last[line] = _integer(text, _UPDATE if snapshot else _LAST, starts, stops)
    out.previous[line] = _integer(text, _UPDATE if snapshot else _PREVIOUS, starts, stops)
    if (
        starts[bids] < 0
        or starts[asks] < 0
        or min(out.first[line], out.last[line], out.previous[line]) == BAD
    ):
        return -_MISSING
    row = _levels(text, starts[bids], stops[bids], 0, tick, lot, out, row)
    return row if row < 0 else _levels(text, starts[asks], stops[asks], ASK_SIDE, tick, lot, out, row)


@inner
def _trade(
    text: npt.NDArray[np.uint8], tick: int, lot: int, out: Stream, line: int, row: int,
    starts: npt.NDArray[np.int64], stops: npt.NDArray[np.int64],
) -> int:  # fmt: skip
    """A print: ``m`` true means that the buyer was resting, so the bid side was hit."""
    if starts[_P] < 0 or starts[_Q] < 0 or starts[_M] < 0 or starts[_X] < 0:
        return -_MISSING
    if _prefix(text, starts[_X], stops[_X]) != _MARKET_WORD:
        out.kind[line] = UNUSED
        return row
    price = decimal(text, starts[_P], stops[_P], SCALE)
    qty = decimal(text, starts[_Q], stops[_Q], SCALE)
    maker = _prefix(text, starts[_M], stops[_M])
    fault = _check(price, qty, tick, lot, 1)
    if fault:
        return -fault
    if maker not in (_TRUE_WORD, _FALSE_WORD):
        return -_UNKNOWN_WORD
    out.kind[line] = TRADE_PRINT
    side = 0 if maker == _TRUE_WORD else ASK_SIDE
    out.code[row], out.price[row], out.qty[row] = TRADE | side, price // tick, qty // lot
    return row + 1


@inner
def _quote(
    text: npt.NDArray[np.uint8], tick: int, out: Stream, line: int, row: int,
    starts: npt.NDArray[np.int64], stops: npt.NDArray[np.int64],
) -> int:  # fmt: skip
    """A best quote; it makes no book row."""
    if starts[_B] < 0 or starts[_A] < 0:
        return -_MISSING
    bid = decimal(text, starts[_B], stops[_B], SCALE)
    ask = decimal(text, starts[_A], stops[_A], SCALE)
    fault = _check(bid, 0, tick, 1, 0) or _check(ask, 0, tick, 1, 0)
    if fault:
        return -fault
    out.kind[line], out.bid[line], out.ask[line] = BEST_QUOTE, bid // tick, ask // tick
    return row
