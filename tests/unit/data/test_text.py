"""Numbers are read from bytes exactly, or not at all."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_policy.data.text import BAD, decimal


def read(text: str, scale: int) -> int:
    raw = np.frombuffer(text.encode(), np.uint8)
    return int(decimal(raw, 0, len(raw), scale))


@given(st.integers(-(10**15), 10**15), st.integers(0, 8), st.integers(0, 3))
def test_every_decimal_is_read_exactly(mantissa, places, spare):
    text = f"{Decimal(mantissa).scaleb(-places):f}"
    assert read(text, places + spare) == mantissa * 10**spare


@pytest.mark.parametrize(
    ("text", "scale", "value"),
    [("1e-05", 8, 1000), ("2.50E+1", 1, 250), ("28145.10", 1, 281451), ("0.000", 0, 0), ("-7", 2, -700),
     ("1721347021080838061", 0, 1721347021080838061), ("1757015216.673878", 9, 1757015216673878000)],
)  # fmt: skip
def test_the_forms_that_feeds_use_are_read(text, scale, value):
    assert read(text, scale) == value


@pytest.mark.parametrize(
    "text", ["", ".", "-", "1.2.3", "12a", "nan", "0x10", "1e", " 1", "99999999999999999999"]
)
def test_what_is_no_number_is_bad(text):
    assert read(text, 8) == BAD


def test_digits_beyond_the_scale_are_refused_not_rounded():
    assert read("0.125", 2) == BAD
    assert read("0.120", 2) == 12


def test_what_would_overflow_is_bad():
    assert read("92233720368547758", 2) != BAD
    assert read("92233720368547759", 2) == BAD
