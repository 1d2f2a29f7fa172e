"""Signals on a recorded morning in Shanghai, against figures computed apart from this code."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from sortedcontainers import SortedDict

from quoting_policy.signals import FillHazardEstimator, Volatility
from quoting_policy.signals.microprice import Book, MicroPrice

REPOSITORY = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("QUOTING_DATA_DIR", REPOSITORY.parent / "shared" / "data")) / "sse_l3"
OPEN_S, CLOSE_S = 9.5 * 3600, 11.5 * 3600
TICK = 0.01

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"recorded markets are not at {DATA}")


class Moment(NamedTuple):
    """A book of the continuous session, after one event; price of the trade if it was one."""

    time: float
    book: Book
    aggressor: str
    price: float


def replayed(stock: str) -> Iterator[Moment]:
    """Best prices after each event of the morning, rebuilt order by order."""
    orders: dict[str, tuple[str, float, int]] = {}
    sides: dict[str, SortedDict] = {"B": SortedDict(), "S": SortedDict()}

    def reduce(number: str, qty: int) -> None:
        side, price, left = orders[number]
        orders[number] = (side, price, left - qty)
        sides[side][price] -= qty
        if not sides[side][price]:
            del sides[side][price]

    with gzip.open(DATA / f"{stock}_2023-07-11_l3.csv.gz", "rt") as lines:
        for row in csv.DictReader(lines):
            qty, price = int(row["qty_shares"]), float(row["price"])
            if row["type"] == "A":
                orders[row["order_no"]] = (row["side"], price, qty)
                sides[row["side"]][price] = sides[row["side"]].get(price, 0) + qty
            elif row["type"] == "D":
                reduce(row["order_no"], qty)
            else:
                resting = {
                    "B": ["ask_order_no"],
                    "S": ["bid_order_no"],
                    "N": ["bid_order_no", "ask_order_no"],
                }
                for leg in resting[row["side"]]:
                    reduce(row[leg], qty)
            time = float(row["time_s_after_midnight"])
            if OPEN_S <= time < CLOSE_S and sides["B"] and sides["S"]:
                (bid, bid_qty), (ask, ask_qty) = sides["B"].peekitem(-1), sides["S"].peekitem(0)
                aggressor = row["side"] if row["type"] == "T" else ""
                yield Moment(time, Book(bid, ask, bid_qty, ask_qty), aggressor, price)


@pytest.fixture(scope="module")
def morning() -> list[Moment]:
    return list(replayed("600961"))


def mid(book: Book) -> float:
    return 0.5 * (book.bid + book.ask)


def test_volatility_of_the_morning_is_the_recorded_one(morning: list[Moment]) -> None:
    """0.435 ticks/√s at one second, noted with the recording; the opening seconds weigh much."""
    signal = Volatility(dt=1.0, window=7198)
    for moment in morning:
        signal.update(moment.time, mid(moment.book))
    sigma = signal.value()
    assert sigma is not None
    assert sigma / TICK == pytest.approx(0.435, rel=0.03)


def test_fill_intensities_fall_with_depth_on_both_sides(morning: list[Moment]) -> None:
    levels = [TICK * (0.5 + i) for i in range(5)]
    for aggressor, sign in (("S", -1.0), ("B", 1.0)):
        signal = FillHazardEstimator(levels, dt=0.5, windows=14_000, max_age=60.0)
        before = mid(morning[0].book)
        for moment in morning:
            if moment.aggressor == aggressor:
                signal.trade(moment.time, sign * (moment.price - before) + 1e-9)
            else:
                before = mid(moment.book)
        fit = signal.ols(morning[-1].time)
        assert fit is not None
        assert 0.1 < fit.hazard.k * TICK < 5.0
        assert fit.k_se < 0.1 * fit.hazard.k


def test_the_micro_price_leans_with_the_imbalance(morning: list[Moment]) -> None:
    signal = MicroPrice(TICK, buckets=6, spreads=1)
    for moment in morning:
        signal.update(moment.book)
    table = signal.fit()
    assert table is not None
    assert table.is_known.all()
    assert (np.diff(table.adjustment) > 0).all()
    assert np.abs(table.adjustment).max() < TICK
