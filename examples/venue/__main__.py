"""Trade a generated market, or a recorded one, beside a sidecar: ``python -m venue --symbol BTC-USDT``."""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from quoting_policy.client import QuotingClient
from quoting_policy.data import tape as tapes
from quoting_policy.data.tape import Tape
from quoting_policy.sim.flow import SCENARIOS, Flow, generate
from quoting_policy.sim.latency import ConstantLatency
from quoting_policy.sim.replay import Replay, Venue
from venue.app import Look, TradingApp

SECOND = 1_000_000_000
SESSION_S = 7200
"""Length of a generated session; the next one follows with the next seed, and begins flat."""

MARKET = SCENARIOS["poisson"]
"""The market that the paper stage of the demo replays too."""


def sessions(symbol: str, tape: Path | None, seed: int, flow: Flow) -> Iterator[Tape]:
    """Markets, one after the other, for ever."""
    while True:
        if tape is not None:
            yield tapes.load(tape)
            continue
        made = generate(flow, seconds=SESSION_S, seed=seed, max_rows=2_000_000)
        yield replace(made, facts=msgspec.structs.replace(made.facts, symbol=symbol))
        seed += 1


def line(look: Look) -> str:
    """What is told every second, and at once where the mode changes or a candidate is shut out."""
    prices = " ".join("-" if price is None else f"{price:.2f}" for price in (look.bid, look.ask))
    breach = f" breach {','.join(look.breaches)}" if look.breaches else ""
    return (
        f"{look.mode} {look.arm} {prices} inventory {look.inventory} profit {look.profit:.2f}"
        f"{breach}{f' ({look.why})' if look.why else ''}"
    )


def trade(options: argparse.Namespace) -> None:
    """Trade until told to stop; then cancel everything."""
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _frame: stopping.append(got))
    period_ns = round(options.period * SECOND)
    with QuotingClient(options.socket, app="venue", timeout_s=0.5) as client:
        for market in sessions(options.symbol, options.tape, options.seed, MARKET):
            replay = Replay(market, venue=Venue(latency=ConstantLatency(2_000_000, 2_000_000)))
            started = time.time_ns()
            app = TradingApp(replay, client, started)
            ends = started + int(market.exch_ns[-1])
            told: tuple[object, ...] = ()
            due = started
            while not stopping and due < ends:
                look = app.turn(time.time_ns())
                now = (time.time_ns() // SECOND, look.mode, look.breaches)
                if now != told:
                    told = now
                    print(f"{time.time():.3f} {line(look)}", flush=True)
                due = max(due + period_ns, time.time_ns())
                client.poll(max(0.0, (due - time.time_ns()) / SECOND))
                time.sleep(max(0.0, (due - time.time_ns()) / SECOND))
            app.cancel_all()
            if stopping:
                return


def main() -> None:
    """Read the command line and trade."""
    parser = argparse.ArgumentParser(prog="venue", description=__doc__)
    parser.add_argument("--symbol", default="BTC-USDT", help="instrument of the policy")
    parser.add_argument("--socket", default=os.environ.get("QUOTING_SOCKET", ""), help="of the sidecar")
    parser.add_argument("--tape", type=Path, help="a recorded market, see `quoting data convert`")
    parser.add_argument("--seed", type=int, default=1, help="of the generated market")
    parser.add_argument("--period", type=float, default=0.1, help="seconds between two quotes")
    trade(parser.parse_args())


if __name__ == "__main__":
    main()
