"""What is known of the recordings comes out of our loaders; skipped where the recordings are absent."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from quoting_policy.data.check import best_prices, check
from quoting_policy.data.cut import cut
from quoting_policy.data.loaders import read
from quoting_policy.data.rows import ACTION, FILL

DATA = Path(os.environ.get("QUOTING_DATA_DIR", Path(__file__).parents[4] / "shared" / "data"))


def recorded(*names):
    paths = [DATA / name for name in names]
    for path in paths:
        if not path.exists():
            pytest.skip(f"recorded data is absent: {path} (set QUOTING_DATA_DIR)")
    return paths


SHANGHAI = [
    ("600961", 46_169, 21_082, 1.106, 0.435),
    ("605580", 27_076, 10_867, 1.198, 0.538),
    ("601825", 6_140, 2_642, 1.004, 0.077),
]


@pytest.mark.parametrize(("stock", "events", "trades", "spread", "volatility"), SHANGHAI)
def test_shanghai_mornings_have_the_published_spread_and_volatility(
    stock, events, trades, spread, volatility
):
    tape = read(recorded(f"sse_l3/{stock}_2023-07-11_l3.csv.gz"))
    start, stop = tape.facts.sessions[0]
    inside = (tape.exch_ns >= start) & (tape.exch_ns < stop)
    assert int(inside.sum()) == pytest.approx(events, rel=0.001)
    assert int((inside & (tape.code & ACTION == FILL)).sum()) == pytest.approx(trades, rel=0.001)
    result = check(cut(tape, start, stop))
    assert (result.crossed, result.negative_levels, tape.facts.bad) == (0.0, 0, {})
    assert result.time_weighted_spread_ticks == pytest.approx(spread, abs=0.002)
    seconds = np.arange(start, stop, 1_000_000_000)
    mids = best_prices(tape)[np.searchsorted(tape.exch_ns, seconds, side="right") - 1].mean(axis=1)
    assert np.diff(mids).std() == pytest.approx(volatility, abs=0.02)


@pytest.mark.parametrize(
    ("files", "tick", "shift_s"),
    [(("binance_ws/usdm_btcusdt_20230404.dat.gz", "binance_ws/usdm_btcusdt_20230405.dat.gz"), "0.1", (0,
    0.1)),
     (("binance_ws/usdm_ethusdt_20240718.gz", "binance_ws/usdm_ethusdt_20240719.gz"), "0.01", (1.3, 1.6))],
)  # fmt: skip
def test_binance_books_equal_the_published_quotes_without_a_gap(files, tick, shift_s):
    tape = read(recorded(*files), tick=tick, lot="0.001")
    result = check(tape)
    assert tape.facts.bad == {}
    assert result.quotes_equal > 0.99
    assert shift_s[0] < tape.facts.clock_shift_ns / 1e9 < shift_s[1]
    assert result.faults == []


def test_bitstamp_is_crossed_as_rarely_as_is_known():
    tape = read(recorded("bitstamp_l3/orders_2015-05-01_full.csv.bz2"), bad_rows="drop")
    assert check(tape).crossed == pytest.approx(0.03, abs=0.005)


def test_hyperliquid_books_come_half_a_second_apart_and_late_by_the_known_delay():
    tape = read(recorded("hyperliquid/orderbooks_BTC.csv.gz", "hyperliquid/trades_BTC.csv.gz"))
    result = check(tape)
    assert 250 < result.latency_ms[1] < 500
    assert result.faults == []
