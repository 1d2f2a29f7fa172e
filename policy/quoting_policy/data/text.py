"""Numbers and words straight out of the bytes of a text file: no string object is ever made for a row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from quoting_policy.data.compiled import kernel
from quoting_policy.data.rows import Fault

BAD = np.iinfo(np.int64).min
"""Returned in place of a number that can't be read."""

SKIP, INTEGER, DECIMAL, WORD, OPTIONAL_INTEGER = range(5)
"""What a column of a table holds. DECIMAL is read as an integer count of 10**-scale; WORD as up to eight
bytes packed little end first (see :func:`word`); OPTIONAL_INTEGER is -1 where empty."""

_LARGEST = np.iinfo(np.int64).max
_POWERS = 10 ** np.arange(19, dtype=np.int64)
_MISSING = int(Fault.MISSING_FIELD)
_SURPLUS = int(Fault.SURPLUS_FIELD)
_NOT_A_NUMBER = int(Fault.NOT_A_NUMBER)


def word(text: str) -> int:
    """The number that a WORD column holds for ``text`` (at most eight bytes)."""
    return int.from_bytes(text.encode(), "little", signed=True)


@kernel
def exponent(text: npt.NDArray[np.uint8], start: int, stop: int) -> int:
    """The power of ten written at ``text[start:stop]``, such as ``-05``, or BAD."""
    sign = 1
    if start < stop and text[start] in (43, 45):  # + -
        sign = 44 - text[start]
        start += 1
    value = 0
    for i in range(start, stop):
        digit = text[i] - 48
        if digit < 0 or digit > 9:
            return BAD
        value = value * 10 + digit
    return sign * value if stop > start else BAD


@kernel
def decimal(text: npt.NDArray[np.uint8], start: int, stop: int, scale: int) -> int:
    """Read ``text[start:stop]`` as a count of ``10**-scale``, exactly; BAD if that is not possible.

    Accepts a sign, digits, one point and a power of ten. Digits beyond the scale must be zeros: nothing is
    ever rounded. What would not fit in 63 bits is BAD.
    """
    negative = start < stop and text[start] == 45
    if negative:
        start += 1
    value, digits, shift, fraction = 0, 0, scale, False
    for i in range(start, stop):
        digit = np.int64(text[i]) - 48
        if 0 <= digit <= 9:
            value = value * 10 + digit
            digits += 1
            shift -= fraction
        elif digit == -2 and not fraction:  # the point
            fraction = True
        elif digit in (21, 53) and digits > 0:  # E e
            power = exponent(text, i + 1, stop)
            if power == BAD:
                return BAD
            shift += power
            break
        else:
            return BAD
    if digits == 0 or digits > 19 or value < 0:  # 19 digits may pass 63 bits, and then show as negative
        return BAD
    if shift > 0:
        if value != 0 and (shift > 18 or value > _LARGEST // _POWERS[shift]):
            return BAD
        value *= _POWERS[min(shift, 18)]
    elif shift < 0:
        unit = _POWERS[min(-shift, 18)]
        if value % unit:
            return BAD
        value //= unit
    return -value if negative else value


@kernel
def pack(text: npt.NDArray[np.uint8], start: int, stop: int) -> int:
    """Up to eight bytes as one integer; 0 for an empty or longer word, which no known word equals."""
    value = 0
    if stop - start > 8:
        return 0
    for i in range(stop - 1, start - 1, -1):
        value = (value << 8) | text[i]
    return value


@kernel
def field(text: npt.NDArray[np.uint8], start: int, stop: int, kind: int, scale: int) -> int:
    """One field of a table by its kind."""
    if kind == WORD:
        return pack(text, start, stop)
    if kind == OPTIONAL_INTEGER and start == stop:
        return -1
    return decimal(text, start, stop, scale)


@kernel
def table(
    text: npt.NDArray[np.uint8],
    ends: npt.NDArray[np.int64],
    kinds: npt.NDArray[np.int64],
    scales: npt.NDArray[np.int64],
    out: npt.NDArray[np.int64],
    faults: npt.NDArray[np.uint8],
) -> int:
    """Read comma separated lines into ``out[row, column]``; returns the number of rows.

    ``ends`` are the places of the line ends (:func:`line_ends`); ``kinds[c]`` and ``scales[c]`` describe
    column c. ``faults[row]`` is 0 or the :class:`Fault` of a line that can't be read; the rest of such a row
    of ``out`` means nothing. Empty lines don't count.
    """
    columns, row, i = len(kinds), 0, 0
    for end in ends:
        stop = end - 1 if end > i and text[end - 1] == 13 else end
        if stop > i:
            column, fault, start = 0, 0, i
            for j in range(i, stop + 1):
                if j < stop and text[j] != 44:
                    continue
                if column < columns and kinds[column] != SKIP:
                    value = field(text, start, j, kinds[column], scales[column])
                    if value == BAD and fault == 0:
                        fault = _NOT_A_NUMBER
                    out[row, column] = value
                column += 1
                start = j + 1
            if column != columns:
                fault = _MISSING if column < columns else _SURPLUS
            faults[row] = fault
            row += 1
        i = end + 1
    return row


def line_ends(text: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Where each line stops: the place of its newline, or of the end of the text."""
    ends = np.flatnonzero(text == ord("\n"))
    if len(text) and text[-1] != ord("\n"):
        ends = np.append(ends, len(text))
    return ends
