"""Does a tape hold together? Facts that a reader can hold against what is known of the recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quoting_policy.data.compiled import compiled
from quoting_policy.data.rows import ACTION, ACTIONS, ADD, ASK_SIDE, CLEAR, DEPTH, TRADE
from quoting_policy.data.tape import Tape

_MARGIN = 5_000


@dataclass(frozen=True, slots=True)
class Check:
    """What was counted while the tape was played once.

    crossed: share of rows in continuous trading after which the best bid is at or above the best ask.
    one_sided: share with a side empty. quotes_equal: share of book states whose best prices are those that
    the venue published last, nan without published quotes. negative_levels: rows that leave a level below
    zero (L3). latency_ms: 1st, 50th and 99th percentile of receipt after production, ms.
    """

    rows: int
    by_action: dict[str, int]
    time_backward: int
    crossed: float
    one_sided: float
    negative_levels: int
    quotes_equal: float
    latency_ms: tuple[float, float, float]
    time_weighted_spread_ticks: float

    @property
    def faults(self) -> list[str]:
        """What makes the tape unfit for a replay, in words; empty if nothing does."""
        found = []
        if self.rows == 0:
            found.append("no rows")
        if self.time_backward:
            found.append(f"{self.time_backward} rows stand before an earlier one's time")
        if self.negative_levels:
            found.append(f"{self.negative_levels} rows take more from a level than it has")
        if self.one_sided > 0.5:
            found.append(f"a side of the book is empty after {self.one_sided:.0%} of the rows")
        if self.latency_ms[0] < 0:
            found.append("rows are received before they are produced: the clocks differ")
        return found


def check(tape: Tape) -> Check:
    """Play the tape once and count."""
    action = tape.code & ACTION
    low = max(0, tape.facts.low_tick - _MARGIN)
    width = max(1, tape.facts.high_tick + _MARGIN + 1 - low)
    best = np.zeros((len(tape), 2), np.int64)
    negative = _best_prices(tape.code, tape.price, tape.qty, low, width, best)
    opened = _in_sessions(tape)
    both = (best[:, 0] >= 0) & (best[:, 1] < width)
    spread = (best[:, 1] - best[:, 0])[opened & both]
    time = tape.exch_ns[opened & both]
    held = np.diff(time, append=time[-1:])
    latency = (tape.local_ns - tape.exch_ns) / 1e6
    return Check(
        rows=len(tape),
        by_action={name: int((action == number).sum()) for number, name in ACTIONS.items()},
        time_backward=int((np.diff(tape.exch_ns) < 0).sum()),
        crossed=float((spread <= 0).mean()) if len(spread) else float("nan"),
        one_sided=float((~both[opened]).mean()) if opened.any() else 1.0,
        negative_levels=int(negative),
        quotes_equal=_quotes_equal(tape, best + low),
        latency_ms=tuple(np.percentile(latency, (1, 50, 99))) if len(tape) else (0.0, 0.0, 0.0),
        time_weighted_spread_ticks=float(np.average(spread, weights=held))
        if held.sum() > 0
        else float("nan"),
    )


def best_prices(tape: Tape) -> npt.NDArray[np.int64]:
    """Best bid and ask, ticks, after each row (rows × 2); -1, or far above all trades, for an empty side."""
    low = max(0, tape.facts.low_tick - _MARGIN)
    best = np.zeros((len(tape), 2), np.int64)
    _best_prices(tape.code, tape.price, tape.qty, low, tape.facts.high_tick + _MARGIN + 1 - low, best)
    return np.where(best >= 0, best + low, -1)


def _in_sessions(tape: Tape) -> npt.NDArray[np.bool_]:
    if not tape.facts.sessions:
        return np.ones(len(tape), np.bool_)
    inside = np.zeros(len(tape), np.bool_)
    for start, stop in tape.facts.sessions:
        inside |= (tape.exch_ns >= start) & (tape.exch_ns < stop)
    return inside


def _quotes_equal(tape: Tape, best: npt.NDArray[np.int64]) -> float:
    """Share of book states, one a moment, whose best prices are those that the venue published last."""
    if not len(tape.quote_exch_ns):
        return float("nan")
    depth = np.flatnonzero(tape.code & ACTION == DEPTH)
    last = depth[np.flatnonzero(np.diff(tape.exch_ns[depth], append=np.iinfo(np.int64).max) > 0)]
    place = np.searchsorted(tape.quote_exch_ns, tape.exch_ns[last], side="right") - 1
    seen = place >= 0
    last, place = last[seen], place[seen]
    equal = (best[last, 0] == tape.quote_bid[place]) & (best[last, 1] == tape.quote_ask[place])
    return float(equal.mean()) if len(last) else float("nan")


@compiled
def _best_prices(
    code: npt.NDArray[np.uint8], price: npt.NDArray[np.int32], qty: npt.NDArray[np.int64], low: int,
    width: int,
    out: npt.NDArray[np.int64],
) -> int:  # fmt: skip
    """Best places after each row; returns how many rows took more from a level than it had."""
    book = np.zeros((2, width), np.int64)
    bid, ask, negative = -1, width, 0
    for i in range(len(code)):
        action, side, place = code[i] & ACTION, 1 if code[i] & ASK_SIDE else 0, price[i] - low
        if action == CLEAR:
            book[side, :] = 0
        elif action != TRADE and 0 <= place < width:
            change = qty[i] if action == ADD else -qty[i]
            book[side, place] = qty[i] if action == DEPTH else book[side, place] + change
            negative += book[side, place] < 0
            if side == 0:
                bid = max(bid, place)
            else:
                ask = min(ask, place)
        while bid >= 0 and book[0, bid] <= 0:
            bid -= 1
        while ask < width and book[1, ask] <= 0:
            ask += 1
        out[i, 0], out[i, 1] = bid, ask
    return negative


def summary(tape: Tape) -> dict[str, Any]:
    """What a tape is, for people: facts first, sizes last."""
    facts = tape.facts
    span = (int(tape.exch_ns[-1]) - int(tape.exch_ns[0])) / 1e9 if len(tape) else 0.0
    return {
        "market": f"{facts.venue} {facts.symbol}",
        "level": f"L{facts.level}",
        "tick": facts.tick_size,
        "unit": facts.qty_unit,
        "lot (units)": facts.lot,
        "rows": len(tape),
        "seconds": round(span, 3),
        "epoch": facts.epoch,
        "clock shift (ms)": facts.clock_shift_ns / 1e6,
        "continuous sessions": len(facts.sessions),
        "starts with a snapshot": facts.snapshot,
        "rows read": facts.rows_read,
        "rows ignored": dict(facts.ignored),
        "rows bad": dict(facts.bad),
        "sources": [f"{s.name} {s.sha256[:12]}" for s in facts.sources],
        "bytes": tape.nbytes,
    }
