"""What every arm is told at each decision: the same, to the last bit, as from reading the tape row by row."""

from __future__ import annotations

import math

import numpy as np

from quoting_policy.data.rows import ACTION, ASK_SIDE, FILL, TRADE
from quoting_policy.paper.market import open_market
from quoting_policy.signals import FillHazardEstimator, Volatility
from quoting_policy.sim.grid import apply_rows
from tests.unit.paper.market import DESK, sessions

SECOND = 1_000_000_000
SETTINGS = DESK.signals


def mids_after_each_row(tape):
    base, width = tape.facts.low_tick - 5_000, tape.facts.high_tick - tape.facts.low_tick + 10_001
    book, best = np.zeros(2 * width, np.int64), np.array([-1, width])
    for row in range(len(tape)):
        one = slice(row, row + 1)
        apply_rows(book, base, tape.code[one], tape.price[one], tape.qty[one], best)
        bid, ask = best.tolist()
        whole = bid >= 0 and bid < ask < width
        yield (2 * base + bid + ask) * 0.5 * float(tape.facts.tick_size) if whole else math.nan


def told_row_by_row(market):
    """Mid, volatility and fitted hazards at each decision."""
    tape, row, mid = market.tape, 0, math.nan
    tick, mids = float(tape.facts.tick_size), mids_after_each_row(market.tape)
    volatility = Volatility(SETTINGS.sigma_step_s, SETTINGS.sigma_window)
    hazards = [
        FillHazardEstimator(
            [level * tick for level in SETTINGS.hazard_levels], SETTINGS.hazard_step_s,
            SETTINGS.hazard_windows, SETTINGS.hazard_max_age_s,
        )
        for _ in range(2)
    ]  # fmt: skip
    fits, refit_ns = (None, None), 0
    for now in market.times.tolist():
        first = True
        while row < len(tape) and tape.local_ns[row] <= now:
            seconds, before, mid = tape.local_ns[row] / SECOND, mid, next(mids)
            if first or mid != before:
                volatility.update(seconds, mid)
            if tape.code[row] & ACTION in (TRADE, FILL):
                buyer = bool(tape.code[row] & ASK_SIDE)
                price = tape.price[row] * tick
                hazards[buyer].trade(seconds, price - before if buyer else before - price)
            first, row = False, row + 1
        if math.isfinite(mid):
            volatility.update(now / SECOND, mid)
        if now >= refit_ns:
            fits = tuple(fit and fit.hazard for fit in (h.mle(now / SECOND) for h in hazards))
            refit_ns = now + round(SETTINGS.hazard_refit_s * SECOND)
        yield mid, volatility.value(), fits


def test_states_are_those_of_reading_the_tape_row_by_row(tmp_path):
    market = open_market(sessions(tmp_path)[0], DESK)
    told = [(s.mid, s.sigma, (s.fill_hazard_bid, s.fill_hazard_ask)) for s in market.states]
    assert told == list(told_row_by_row(market))
    assert all(sigma is not None and None not in fits for _, sigma, fits in told[-100:])
