"""Toxicity: the tests against scipy and definitions, the response up at once and down slowly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from quoting_policy.domain import Side
from quoting_policy.errors import InputError
from quoting_policy.signals.toxicity import (
    MarkoutTest,
    OneSidedness,
    ToxicityResponse,
    Vpin,
    bulk_buy_share,
    one_sided_p_value,
    refresh_interval,
)


@given(bought=st.integers(0, 300), sold=st.integers(0, 300))
def test_one_sidedness_is_the_two_sided_binomial_test(bought: int, sold: int) -> None:
    if bought + sold == 0:
        with pytest.raises(InputError):
            one_sided_p_value(bought, sold)
        return
    expected = stats.binomtest(bought, bought + sold, 0.5).pvalue
    assert one_sided_p_value(bought, sold) == pytest.approx(expected, rel=1e-9)


def test_four_of_five_is_no_evidence_and_sixteen_of_twenty_is() -> None:
    assert one_sided_p_value(4, 1) == pytest.approx(2 * 0.1875)
    assert one_sided_p_value(4, 16) == pytest.approx(2 * 0.006, abs=2e-4)


def test_fills_are_counted_within_a_zone_and_within_the_window() -> None:
    signal = OneSidedness(window=20, min_fills=20)
    for _ in range(19):
        signal.update(Side.BID, "green")
        signal.update(Side.ASK, "red")
    assert signal.p_value("green") is signal.p_value("red") is signal.p_value("yellow") is None
    signal.update(Side.BID, "green")
    assert signal.p_value("green") == pytest.approx(2 * 0.5**20)
    for _ in range(20):
        signal.update(Side.ASK, "green")
        signal.update(Side.BID, "green")
    assert signal.p_value("green") == pytest.approx(1.0), "the one-sided ones have left"


@given(markouts=st.lists(st.floats(-1, 1), min_size=30, max_size=60))
def test_markouts_are_tested_like_a_mean(markouts: list[float]) -> None:
    signal = MarkoutTest(window=30)
    for markout in markouts:
        signal.update(Side.BID, markout, markout)
    last = np.array(markouts[-30:])
    assert signal.mean() == pytest.approx(last.mean(), abs=1e-12)
    if last.std() > 1e-3:
        z = last.mean() / (last.std(ddof=1) / math.sqrt(30))
        assert signal.p_value() == pytest.approx(stats.norm.cdf(z), abs=1e-6)


def test_a_market_that_always_moves_away_from_us_correlates_by_minus_one() -> None:
    signal = MarkoutTest(window=10)
    for i in range(10):
        side = Side.BID if i % 2 else Side.ASK
        assert signal.correlation() is None
        signal.update(side, -0.1, -0.5 * side.sign)
    assert signal.correlation() == pytest.approx(-1.0)
    assert signal.p_value() == 0.0


def test_markouts_that_are_not_finite_do_not_count() -> None:
    signal = MarkoutTest(window=2)
    for _ in range(5):
        signal.update(Side.BID, math.nan, 0.0)
        signal.update(Side.BID, 0.0, math.inf)
    assert signal.mean() is signal.p_value() is None


def test_vpin_of_the_reference() -> None:
    signal = Vpin(100.0, buckets=3)
    for bought in (70.0, 20.0, 50.0):
        assert signal.value() is None
        signal.update(bought, 1.0)
        signal.update(100.0 - bought, 0.0)
    assert signal.value() == pytest.approx(1 / 3)


@given(
    trades=st.lists(st.tuples(st.integers(1, 500), st.sampled_from([0.0, 0.3, 1.0])), max_size=60),
    buckets=st.integers(1, 8),
)
def test_vpin_splits_trades_at_bucket_edges(trades: list[tuple[int, float]], buckets: int) -> None:
    """Against the slow way: volume laid out unit by unit."""
    signal = Vpin(100.0, buckets)
    units: list[float] = []
    for volume, share in trades:
        signal.update(float(volume), share)
        units += [share] * volume
    whole = [units[i : i + 100] for i in range(0, len(units) - 99, 100)][-buckets:]
    value = signal.value()
    if len(whole) < buckets:
        assert value is None
    else:
        gaps = [abs(100.0 - 2 * sum(bucket)) for bucket in whole]
        assert value == pytest.approx(sum(gaps) / (100.0 * buckets), abs=1e-9)
        assert 0.0 <= value <= 1.0


@pytest.mark.parametrize(
    ("volume", "share"), [(math.nan, 1.0), (-5.0, 1.0), (math.inf, 0.0), (5.0, 1.5), (5.0, math.nan)]
)
def test_vpin_drops_what_is_no_trade(volume: float, share: float) -> None:
    signal = Vpin(1.0, buckets=1)
    signal.update(volume, share)
    assert signal.value() is None


def test_bulk_classification_is_the_normal_distribution() -> None:
    assert bulk_buy_share(0.3, 0.2) == pytest.approx(stats.norm.cdf(1.5))
    assert bulk_buy_share(0.3, 0.0) is bulk_buy_share(math.nan, 1.0) is None


@pytest.mark.parametrize(
    "alarm", [{"one_sided_p": 0.001}, {"markout_p": 0.001}, {"correlation": -0.9}, {"vpin": 0.4}]
)
def test_any_alarm_raises_the_level_at_once(alarm: dict[str, float]) -> None:
    response = ToxicityResponse()
    assert response.observe(1.0, markout=0.1, one_sided_p=0.5, vpin=0.1) == 0.0
    assert response.observe(2.0, markout=0.1, **alarm) == 1.0


def test_a_hundred_clean_fills_bring_it_back() -> None:
    response = ToxicityResponse(recovery_s=1e12)
    response.observe(0.0, vpin=0.9)
    levels = [response.observe(0.0, markout=0.0) for _ in range(100)]
    assert levels[49] == pytest.approx(0.5)
    assert levels[-1] == pytest.approx(0.0, abs=1e-12)


def test_time_alone_brings_it_back_and_time_going_back_does_not() -> None:
    response = ToxicityResponse(recovery_s=600.0)
    response.observe(1000.0, vpin=0.9)
    assert response.level(1300.0) == pytest.approx(0.5)
    assert response.level(900.0) == pytest.approx(0.5)
    assert response.level(math.nan) == pytest.approx(0.5)
    assert response.level(1300.0) == pytest.approx(0.5)
    assert response.level(1e9) == 0.0


@pytest.mark.parametrize("markout", [-0.1, math.nan, math.inf, None])
def test_only_a_clean_fill_counts_as_clean(markout: float | None) -> None:
    response = ToxicityResponse(recovery_s=1e12)
    response.observe(0.0, vpin=0.9)
    assert response.observe(0.0, markout=markout) == 1.0


@pytest.mark.parametrize("test", ["one_sided_p", "markout_p", "correlation", "vpin"])
def test_a_test_that_is_not_a_number_makes_no_fill_clean(test: str) -> None:
    response = ToxicityResponse(recovery_s=1e12)
    response.observe(0.0, vpin=0.9)
    assert response.observe(0.0, markout=0.1, **{test: math.nan}) == 1.0


@given(
    events=st.lists(
        st.tuples(st.floats(-1e3, 1e3), st.none() | st.floats(), st.none() | st.floats()), max_size=50
    )
)
def test_the_level_stays_in_the_unit_interval_whatever_comes(
    events: list[tuple[float, float | None, float | None]],
) -> None:
    response = ToxicityResponse()
    for time, markout, vpin in events:
        assert 0.0 <= response.observe(time, markout=markout, vpin=vpin) <= 1.0


def test_toxic_flow_halves_the_time_a_quote_may_rest() -> None:
    assert refresh_interval(5.0, 0.0) == 5.0
    assert refresh_interval(5.0, 1.0) == 2.5
    with pytest.raises(InputError):
        refresh_interval(5.0, math.nan)
