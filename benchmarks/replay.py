"""How fast the replay is, beside hftbacktest on the same rows with the same strategy in the same run.

    python -m benchmarks.replay --json

Each figure is the best of several runs, in seconds of processor time of the one thread, so that neighbours on
the machine cost less of it than of the wall clock; ratios compare bests of interleaved runs. Every 100 ms the
quoting engine decides, on both sides, an Avellaneda-Stoikov quote under its clamps. Raw text is what lies
decompressed in memory; with its file it is read, decompressed and hashed as well.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import hftbacktest as hft
import numpy as np

from benchmarks.hftbacktest_peer import event_array, peer, quote_with_hftbacktest
from benchmarks.quoter import quote
from quoting_policy.data.aggregate import aggregate
from quoting_policy.data.loaders import LOADERS, read
from quoting_policy.data.source import BadRows, Intake
from quoting_policy.data.tape import Tape, load, save
from quoting_policy.domain import ArmSpec, Instrument, Kill, KillAction, Limits, MarketState, Revision
from quoting_policy.engine import Engine
from quoting_policy.sim import episode
from quoting_policy.sim.conditions import Venue
from quoting_policy.sim.environment import MarketMakingVectorEnv
from quoting_policy.sim.flow import SCENARIOS, generate
from quoting_policy.sim.grid import apply_rows
from quoting_policy.sim.latency import ConstantLatency
from quoting_policy.sim.layout import BUY, SELL
from quoting_policy.sim.queue import PowerProbability
from quoting_policy.sim.replay import Replay
from quoting_policy.sim.stress import with_feed_latency

LATENCY, STEP = 10_000_000, 100_000_000
REPEATS = 7
DATA = Path(os.environ.get("QUOTING_DATA_DIR", Path(__file__).parents[2] / "shared" / "data"))


def best(run: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Seconds of the fastest of several runs, after one to compile."""
    run()
    times = []
    for _ in range(repeats):
        start = time.thread_time()
        run()
        times.append(time.thread_time() - start)
    return min(times)


def market() -> tuple[Tape, Tape, str]:
    """An L2 and an L3 tape: recorded where the recordings are, else synthetic."""
    files = [DATA / f"binance_ws/usdm_btcusdt_2023040{day}.dat.gz" for day in (4, 5)]
    orders = DATA / "sse_l3/600961_2023-07-11_l3.csv.gz"
    if orders.exists() and all(f.exists() for f in files):
        return read(files, tick="0.1", lot="0.001"), read([orders]), "recorded BTCUSDT and 600961"
    synthetic = generate(SCENARIOS["poisson"], seconds=3_000, seed=1)
    return with_feed_latency(aggregate(synthetic), 3_000_000), synthetic, "synthetic"


def our_replay(tape: Tape) -> Replay:
    """Our replay as the peer is set up."""
    venue = Venue(latency=ConstantLatency(LATENCY, LATENCY), queue=PowerProbability(2.0), partial_fills=False)
    return Replay(tape, venue=venue, max_fills=100_000)


def quote_ours(tape: Tape) -> int:
    """The compiled strategy on our replay. The replay is held: its core is but a table of addresses."""
    replay = our_replay(tape)
    return quote(replay.core, STEP, 0.5, 0.002, 10, 200)


class Desk:
    """The engine as the sidecar runs it, asked for ticks: a baseline under the usual limits."""

    def __init__(self, tape: Tape) -> None:
        facts = tape.facts
        self.tick = float(facts.tick_size)
        self.symbol = facts.symbol
        instrument = Instrument(
            symbol=facts.symbol, tick_size=Decimal(facts.tick_size), lot_size=Decimal(facts.qty_unit)
        )
        model = ArmSpec(
            model="AvellanedaStoikov",
            params={
                "gamma": 0.001,
                "k": 1.0 / self.tick,
                "horizon": "infinite",
                "maxInventory": 200,
                "qty": 10,
            },
        )
        limits = Limits(max_position=200.0, max_order_qty=50.0)
        self.engine = Engine()
        revision = Revision(baseline=model, instruments=(instrument,), limits=limits)
        self.engine.configure(revision, now_ns=1, wall_ns=1)
        self.engine.engage(Kill(action=KillAction.NONE), now_ns=1)

    def quote(self, now: int, bid: int, ask: int, position: float) -> tuple[int | None, int | None]:
        """Bid and ask, ticks; None where the engine quotes none."""
        tick = self.tick
        state = MarketState(
            mid=(bid + ask) * 0.5 * tick, best_bid=bid * tick, best_ask=ask * tick, inventory=position,
            sigma=4.0 * tick, time_left=60.0,
        )  # fmt: skip
        decision = self.engine.decide(self.symbol, state, now_ns=now, wall_ns=now, data_ns=now)
        return (
            decision.bids[0].price_ticks if decision.bids else None,
            decision.asks[0].price_ticks if decision.asks else None,
        )


def decide_ours(tape: Tape) -> int:
    """Replay with Python deciding every 100 ms; returns the number of decisions."""
    replay, desk, working, steps = our_replay(tape), Desk(tape), [0, 0], 0
    while replay.elapse(STEP):
        steps += 1
        view = replay.view()
        alive = {o.id: o for o in view.orders}
        if view.bid is None or view.ask is None:
            continue
        targets = desk.quote(view.now, view.bid, view.ask, view.position)
        for side in (BUY, SELL):
            order, target = alive.get(working[side]), targets[side]
            if order is None:
                if target is not None:
                    working[side] = replay.submit(side, target, 10)
            elif order.status == "live" and not order.pending and order.price != target:
                replay.cancel(order.id)
    return steps


def decide_theirs(tape: Tape, events: Any) -> int:
    """The same on hftbacktest, driven from Python."""
    run = peer(tape, events, latency_ns=LATENCY, queue=("power_prob_queue_model", 2.0), roi=True)
    hbt, desk, working, next_id, steps = run.backtest, Desk(tape), [0, 0], 0, 0
    unit, tick = float(tape.facts.qty_unit), float(tape.facts.tick_size)
    while hbt.elapse(STEP) == 0:
        steps += 1
        orders = hbt.orders(0)
        alive: dict[int, Any] = {}
        for side in (0, 1):
            order = orders.get(working[side]) if working[side] else None
            if order is not None and order.status not in (hft.FILLED, hft.CANCELED, hft.EXPIRED):
                alive[side] = (order.price_tick, order.cancellable)
        hbt.clear_inactive_orders(0)
        depth = hbt.depth(0)
        bid, ask = depth.best_bid_tick, depth.best_ask_tick
        if bid <= 0 or ask >= 2147483647:
            continue
        position = round(hbt.position(0) / unit)
        targets = desk.quote(hbt.current_timestamp, bid, ask, position)
        for side, submit in ((0, hbt.submit_buy_order), (1, hbt.submit_sell_order)):
            target = targets[side]
            if side not in alive:
                if target is not None:
                    next_id += 1
                    working[side] = next_id
                    submit(0, next_id, target * tick, 10 * unit, hft.GTX, hft.LIMIT, False)
            elif alive[side][1] and alive[side][0] != target:
                hbt.cancel(0, working[side], False)
    return steps


def compare(ours: Callable[[], Any], theirs: Callable[[], Any], rows: int) -> dict[str, float]:
    """Million rows a second of both, interleaved, and their ratio."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(REPEATS + 1):
        for which, run in enumerate((ours, theirs)):
            start = time.thread_time()
            run()
            if turn:
                times[which].append(time.thread_time() - start)
    mine, peers = (rows / min(t) / 1e6 for t in times)
    return {"ours_m_per_s": mine, "hftbacktest_m_per_s": peers, "ratio": mine / peers}


def compiled_strategy(tape: Tape, events: Any) -> dict[str, Any]:
    """The same compiled strategy on both, against each of hftbacktest's depths; the faster counts."""
    unit, tick = float(tape.facts.qty_unit), float(tape.facts.tick_size)
    rows = np.zeros((100_000, 4), np.int64)
    results = {}
    for depth in ("roi", "hashmap"):

        def theirs(roi: bool = depth == "roi") -> None:
            run = peer(tape, events, latency_ns=LATENCY, queue=("power_prob_queue_model", 2.0), roi=roi)
            code = quote_with_hftbacktest(run.backtest, STEP, 0.5, 0.002, 10, 200, tick, unit, rows)[2]
            if code != 1:
                raise RuntimeError(f"hftbacktest stopped with code {code}")

        results[depth] = compare(lambda: quote_ours(tape), theirs, len(tape))
    return results


def book_alone(tape: Tape) -> float:
    """Million rows a second into one book, no replay round it."""
    base = max(0, tape.facts.low_tick - 5_000)
    width = tape.facts.high_tick + 5_001 - base

    def run() -> None:
        marks = np.array([-1, width])
        apply_rows(np.zeros(2 * width, np.int64), base, tape.code, tape.price, tape.qty, marks)

    return len(tape) / best(run) / 1e6


def orders_exact(tape: Tape) -> float:
    """Million rows a second through an L3 replay with one resting own order a side all day."""
    session = tape.facts.sessions[0][0] if tape.facts.sessions else int(tape.exch_ns[0])
    first = int(np.searchsorted(tape.exch_ns, session + 1_000_000_000))

    def run() -> float:
        replay = our_replay(tape)
        replay.elapse(session + 1_000_000_000 - replay.now)
        view = replay.view()
        lot = tape.facts.lot
        replay.submit(BUY, (view.bid or 0) - 5, lot)
        replay.submit(SELL, (view.ask or 0) + 5, lot)
        start = time.thread_time()
        replay.elapse(10**17)
        return (len(tape) - first) / (time.thread_time() - start) / 1e6

    run()
    return max(run() for _ in range(REPEATS))


def conversion() -> dict[str, dict[str, float]]:
    """Million rows of the tape a second, by format: from raw text, and from the compressed files."""
    sources = {
        "sse": (["sse_l3/600961_2023-07-11_l3.csv.gz"], {}),
        "binance-ws": (
            [f"binance_ws/usdm_btcusdt_2023040{d}.dat.gz" for d in (4, 5)],
            {"tick": "0.1", "lot": "0.001"},
        ),
        "bitstamp": (["bitstamp_l3/orders_2015-05-01_full.csv.bz2"], {"bad_rows": "drop"}),
        "hyperliquid": (["hyperliquid/orderbooks_BTC.csv.gz", "hyperliquid/trades_BTC.csv.gz"], {}),
    }
    figures = {}
    for name, (files, options) in sources.items():
        paths = [DATA / f for f in files]
        if not all(p.exists() for p in paths):
            continue
        texts = {path: Intake().read(path) for path in paths}

        class InMemory(Intake):
            """Text that is decompressed already."""

            def read(self, path: Path, texts: dict[Path, Any] = texts) -> Any:
                """The text of a file."""
                return texts[path]

        policy = options.pop("bad_rows", "refuse")
        load_text: Any = LOADERS[name]
        rows = len(load_text(paths, Intake(BadRows(policy)), **options))

        def convert(
            intake: Any, paths: Any = paths, options: Any = options, load_text: Any = load_text
        ) -> None:
            load_text(paths, intake, **options)

        figures[name] = {
            "text": rows / best(lambda c=convert, m=InMemory, p=policy: c(m(BadRows(p)))) / 1e6,
            "file": rows / best(lambda c=convert, p=policy: c(Intake(BadRows(p))), 3) / 1e6,
        }
    return figures


def environment() -> dict[str, float]:
    """Million environment steps a second by batch size, and of the compiled step alone."""
    figures = {}
    for count in (1, 64, 4_096):
        env = MarketMakingVectorEnv(count)
        env.reset(seed=1)
        actions = np.zeros((count, episode.ACTIONS), np.float32)
        turns = max(4, 20_000 // count)

        def run(env: MarketMakingVectorEnv = env, actions: Any = actions, turns: int = turns) -> None:
            for _ in range(turns):
                env.step(actions)

        figures[str(count)] = turns * count / best(run, 15) / 1e6
    return figures


def memory(path: Path) -> dict[str, float]:
    """Peak memory of a replay in a process of its own, beyond what the program itself takes, by the tape."""
    program = (
        "import sys\nfrom pathlib import Path\nfrom benchmarks.replay import quote_ours\n"
        "from quoting_policy.data.tape import load\nfrom quoting_policy.sim.flow import Flow, generate\n"
        "small = generate(Flow(), seconds=2, seed=1)\nquote_ours(small)\n"
        "Path('/proc/self/clear_refs').write_text('5')  # the peak so far is forgotten\n"
        "def peak():\n"
        "    status = Path('/proc/self/status').read_text()\n"
        "    return int(status.partition('VmHWM:')[2].split()[0])\n"
        "before = peak()\n"
        "tape = load(Path(sys.argv[1]))\nquote_ours(tape)\n"
        "more = (peak() - before) * 1024\n"
        "print(more / Path(sys.argv[1]).stat().st_size)"
    )
    out = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    return {"peak_over_file": float(out.stdout), "file_mb": path.stat().st_size / 1e6}


def measure(scratch: Path) -> dict[str, Any]:
    """All figures."""
    levels, orders, name = market()
    save(levels, scratch / "levels.npz")
    levels = load(scratch / "levels.npz")
    events = event_array(levels)
    return {
        "market": name,
        "rows": {"l2": len(levels), "l3": len(orders)},
        "l2_compiled_strategy": compiled_strategy(levels, events),
        "l2_python_every_100ms": compare(
            lambda: decide_ours(levels), lambda: decide_theirs(levels, events), len(levels)
        ),
        "book_alone_m_per_s": {"l2": book_alone(levels), "l3": book_alone(orders)},
        "l3_exact_m_per_s": orders_exact(orders),
        "conversion_m_rows_per_s": conversion(),
        "environment_m_steps_per_s": environment(),
        "memory": memory(scratch / "levels.npz"),
        "max_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "load_average": os.getloadavg()[0],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        figures = measure(Path(scratch))
    if options.json:
        print(json.dumps(figures, indent=1))
        return
    for name, value in figures.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
