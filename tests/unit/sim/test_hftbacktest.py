"""hftbacktest, an independent simulator, on the same rows under the same models: the same fills."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.hftbacktest_peer import event_array, peer, probe_with_hftbacktest, quote_with_hftbacktest
from benchmarks.quoter import probe, quote
from quoting_policy.data.aggregate import aggregate
from quoting_policy.data.cut import cut
from quoting_policy.data.loaders import read
from quoting_policy.data.rows import ACTION, FILL
from quoting_policy.sim.conditions import Venue
from quoting_policy.sim.flow import SCENARIOS, generate
from quoting_policy.sim.latency import ConstantLatency
from quoting_policy.sim.queue import (
    Conservative,
    LogOfSumProbability,
    LogProbability,
    PowerOfFrontProbability,
    PowerOfSumProbability,
    PowerProbability,
)  # fmt: skip
from quoting_policy.sim.replay import Replay
from quoting_policy.sim.stress import with_feed_latency

DATA = Path(os.environ.get("QUOTING_DATA_DIR", Path(__file__).parents[4] / "shared" / "data"))
LATENCY = 10_000_000
STEP = 100_000_000
MODELS = [
    (("risk_adverse_queue_model", None), Conservative()),
    (("power_prob_queue_model", 2.0), PowerProbability(2.0)),
    (("log_prob_queue_model2", None), LogOfSumProbability()),
    (("power_prob_queue_model2", 2.0), PowerOfSumProbability(2.0)),
    (("power_prob_queue_model3", 3.0), PowerOfFrontProbability(3.0)),
]


def recorded(name):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"recorded data is absent: {path} (set QUOTING_DATA_DIR)")
    return path


def venue(queue):
    return Venue(latency=ConstantLatency(LATENCY, LATENCY), queue=queue, partial_fills=False)


def both(tape, names, *, step=STEP, qty=1, limit=20):
    """Fills of one strategy in both simulators: sets of (order, exchange time, tick, side)."""
    theirs_name, ours_model = names
    theirs = peer(tape, event_array(tape), latency_ns=LATENCY, queue=theirs_name, roi=False)
    theirs.backtest.elapse(0)
    start = theirs.backtest.current_timestamp
    rows = np.zeros((100_000, 4), np.int64)
    unit, tick = float(tape.facts.qty_unit), float(tape.facts.tick_size)
    _, count, code = quote_with_hftbacktest(
        theirs.backtest, step, 0.5, 0.02 / qty, qty, limit * qty, tick, unit, rows
    )
    assert code == 1, "hftbacktest stopped before the end of the data"
    replay = ours(tape, ours_model, start, step=step, qty=qty, limit=limit)
    names = ("order_id", "exch_ns", "price", "side")
    mine = [tuple(int(f[n]) for n in names) for f in replay.fills]
    last = int(tape.exch_ns[-1]) - 1_000_000_000  # a fill of the last steps has no later step to be noted in
    return {tuple(r) for r in rows[:count].tolist() if r[1] < last}, {f for f in mine if f[1] < last}


def ours(tape, queue_model, start, *, step=STEP, qty=1, limit=20):
    """Our replay, played to its end by the strategy from the peer's first moment on."""
    replay = Replay(tape, venue=venue(queue_model))
    replay.elapse(start - replay.now)
    quote(replay.core, step, 0.5, 0.02 / qty, qty, limit * qty)
    return replay


@pytest.mark.parametrize("names", MODELS, ids=lambda n: type(n[1]).__name__)
def test_levels_give_the_same_fills_on_a_synthetic_market(names):
    tape = with_feed_latency(aggregate(generate(SCENARIOS["poisson"], seconds=120, seed=8)), 3_000_000)
    theirs, mine = both(tape, names)
    assert len(mine) > 20
    assert mine == theirs


@pytest.mark.parametrize("names", MODELS[:2], ids=lambda n: type(n[1]).__name__)
def test_levels_give_the_same_fills_on_recorded_bitcoin(names):
    files = [recorded(f"binance_ws/usdm_btcusdt_2023040{day}.dat.gz") for day in (4, 5)]
    theirs, mine = both(read(files, tick="0.1", lot="0.001"), names, qty=10)
    assert len(mine) > 100
    assert mine == theirs


def test_the_logarithm_gives_the_same_fills_until_the_peer_takes_one_of_a_negative_number():
    """A large cancel can leave an estimate of less than nothing ahead of our order. Below minus one unit of
    the quantity, ln(1 + front) does not exist: hftbacktest then takes the whole level to be ahead, and the
    order is last in the queue. Ours stays first."""
    files = [recorded(f"binance_ws/usdm_ethusdt_2024071{day}.gz") for day in (8, 9)]
    tape = read(files, tick="0.01", lot="0.001")
    model = LogProbability()
    theirs, mine = both(tape, (("log_prob_queue_model", None), model), qty=10)
    order, time, *_ = first = min(theirs ^ mine, key=lambda fill: fill[1])
    assert first in mine, "hftbacktest's order waits behind the level"
    assert {f for f in mine if f[1] < time} == {f for f in theirs if f[1] < time}
    start = int(tape.exch_ns[0])
    before = tape.rows(0, int(np.searchsorted(tape.exch_ns, time)))
    one_unit = 1 / float(tape.facts.qty_unit)
    assert ours(before, model, start, qty=10).queue_ahead(order) < -one_unit


def test_orders_give_the_same_fills_but_for_prints_through_the_price():
    """hftbacktest's L3 model looks only at the queue of the print's own price; a print at a worse price would
    have met our order first. So its fills are ours at the same moment, or ours earlier by such a print."""
    tape = read([recorded("sse_l3/600961_2023-07-11_l3.csv.gz")])
    tape = cut(tape, *tape.facts.sessions[0]).with_facts(sessions=())
    theirs = peer(tape, event_array(tape), latency_ns=LATENCY, queue=("l3_fifo_queue_model", None), roi=False)
    theirs.backtest.elapse(0)
    replay = Replay(tape, venue=venue(Conservative()))
    replay.elapse(theirs.backtest.current_timestamp - replay.now)
    rows = np.zeros((100_000, 4), np.int64)
    count = probe_with_hftbacktest(theirs.backtest, 5_000_000_000, 100, 0.01, 1.0, rows)
    probe(replay.core, 5_000_000_000, 100)
    fills = {int(f["order_id"]): f for f in replay.fills}
    through = 0
    for order, time, tick, _ in rows[:count].tolist():
        mine = fills[order]
        assert mine["price"] == tick
        if mine["exch_ns"] != time:
            cause = int(mine["row"])
            assert mine["exch_ns"] < time
            assert tape.code[cause] & ACTION == FILL
            worse = tape.price[cause] < tick if mine["side"] == 0 else tape.price[cause] > tick
            assert worse
            through += 1
    assert count > 500
    assert through < 0.15 * count
