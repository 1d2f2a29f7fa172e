"""Order flow from random numbers, matched in a real book: synthetic markets as L3 tapes.

Every source of events has an intensity that depends on the book as it is; events are drawn one by one by
thinning, so nothing is drawn ahead of the state that it depends on.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from quoting_policy.data.compiled import compiled, inner
from quoting_policy.data.tape import Facts, Tape
from quoting_policy.errors import InputError
from quoting_policy.sim.latency import from_key, key_of
from quoting_policy.sim.orderbook import (
    ASK,
    BID,
    COUNT,
    LEFT,
    QTY,
    ROWS,
    SIDE,
    Table,
    cancel_order,
    match,
    rest,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Flow:
    """A synthetic market. Rates in 1/s, prices in ticks, sizes in units; 0 turns a source off.

    limit_rate: limit orders a side, their distance from the other side's best geometric with mean
    mean_distance. market_rate: market orders a side. cancel_rate: of each resting order, times
    1 + imbalance_cancels·(share of its side in the best two sizes): orders flee from a crowded side.
    mean_size: of limit and market orders, geometric. excitation, decay: every market order raises the rate of
    its own side by ``excitation``, which dies off at ``decay`` (Hawkes). regime_rate, regime_factor:
    a second regime, entered and left at that rate, multiplies market orders. jump_rate, jump_levels: market
    orders that sweep so many levels. toxic_rate, toxic_factor: informed spells, begun and ended at that rate,
    in which one side's market orders come so many times as often. squeezer_rate: one unit posted inside a
    spread wider than a tick, and withdrawn before the next. igniter_rate, igniter_orders: bursts of market
    orders one way, turned round at once with a single order of the same total. maker_rate, maker_size: a
    competing maker who requotes both sides, a tick inside where there is room, else at the best.
    """

    limit_rate: float = 20.0
    mean_distance: float = 4.0
    market_rate: float = 5.0
    cancel_rate: float = 0.3
    imbalance_cancels: float = 0.0
    mean_size: float = 3.0
    excitation: float = 0.0
    decay: float = 10.0
    regime_rate: float = 0.0
    regime_factor: float = 3.0
    jump_rate: float = 0.0
    jump_levels: float = 3.0
    toxic_rate: float = 0.0
    toxic_factor: float = 5.0
    squeezer_rate: float = 0.0
    igniter_rate: float = 0.0
    igniter_orders: float = 5.0
    maker_rate: float = 0.0
    maker_size: float = 5.0

    def __post_init__(self) -> None:
        for f in fields(self):
            if not 0 <= getattr(self, f.name) < np.inf:
                raise InputError(f.name, getattr(self, f.name), ">= 0 and finite")
        if self.mean_size < 1 or self.mean_distance < 1:
            raise InputError("mean_size, mean_distance", (self.mean_size, self.mean_distance), ">= 1")
        if self.excitation >= self.decay:
            raise InputError("excitation", self.excitation, f"< decay ({self.decay})", "or the flow explodes")


SCENARIOS = {
    "poisson": Flow(),
    "hawkes": Flow(market_rate=3.0, excitation=4.0, decay=10.0),
    "state-dependent cancels": Flow(imbalance_cancels=4.0),
    "regimes": Flow(regime_rate=0.05, regime_factor=4.0),
    "jumps": Flow(jump_rate=0.05, jump_levels=5.0),
    "toxic": Flow(toxic_rate=0.1, toxic_factor=6.0),
    "spread squeezer": Flow(squeezer_rate=2.0),
    "momentum igniter": Flow(igniter_rate=0.05, igniter_orders=8.0),
    "competing maker": Flow(maker_rate=5.0),
}
"""Named markets, one feature each."""

(_LIMIT, _DISTANCE, _MARKET, _CANCEL, _IMBALANCE, _SIZE, _EXCITE, _DECAY, _REGIME, _REGIME_FACTOR, _JUMP,
 _LEVELS,
 _TOXIC, _TOXIC_FACTOR, _SQUEEZE, _IGNITE, _BURST, _MAKER, _MAKER_SIZE) = range(19)  # fmt: skip
_HOT_BUY, _HOT_SELL, _IN_REGIME, _INFORMED, _LIVE, _SQUEEZER, _MAKER_BID, _MAKER_ASK, _DRAWS = range(9)
"""Mutable numbers of a run: excitation of buyers, sellers; regime on; informed side (+1, -1, 0); resting
orders; last order of the squeezer and of the maker's sides (-1: none); random numbers used."""
_STREAM = np.int64(0)
_WIDTH = 2_001


def generate(flow: Flow, *, seconds: float, seed: int, mid: int = 10_000, max_rows: int = 2_000_000) -> Tape:
    """A synthetic session as an L3 tape: tick 0.01, lot 1, times in ns from 0; equal for equal arguments.

    mid: ticks in the middle at the start. Raises InputError when ``max_rows`` doesn't hold the session.
    """
    if not 0 < seconds < 1e6:
        raise InputError("seconds", seconds, "in (0, 1e6)")
    rows = np.zeros((max_rows, 5), np.int64)
    orders, levels = np.zeros((max_rows, 5), np.int64), np.full((2 * _WIDTH, 3), -1, np.int64)
    levels[:, QTY] = 0
    marks = np.array([-1, _WIDTH, 0, 0], np.int64)
    numbers = np.array([0, 0, 0, 0, 0, -1, -1, -1, 0], np.float64)
    parameters = np.array([getattr(flow, f.name) for f in fields(flow)], np.float64)
    _run(parameters, numbers, orders, levels, marks, rows, np.zeros(max_rows, np.int64), seconds, seed)
    count = int(marks[ROWS])
    if count >= max_rows - 100:
        raise InputError(
            "max_rows", max_rows, f"> {count} for this flow", "raise it, or ask for fewer seconds"
        )
    time, code, place, qty, order = rows[:count].T
    price = (place + mid - _WIDTH // 2).astype("<i4")
    facts = Facts(
        venue="synthetic", symbol="SYN", level=3, tick_size="0.01", qty_unit="1",
        epoch="start of the session",
        snapshot=True, low_tick=int(price.min(initial=mid)), high_tick=int(price.max(initial=mid)),
        rows_read=count,
        notes=(f"seed {seed}", repr(flow)),
    )  # fmt: skip
    return Tape(facts, time.copy(), time.copy(), code.astype("u1"), price, qty.copy(), order.astype("<i4"))


@inner
def _random(numbers: npt.NDArray[np.float64], seed: int) -> float:
    numbers[_DRAWS] += 1.0
    return from_key(key_of(seed, np.int64(numbers[_DRAWS])), _STREAM)


@inner
def _geometric(mean: float, draw: float) -> int:
    """A number >= 1 of a given mean."""
    return 1 if mean <= 1.0 else 1 + np.int64(np.log(draw) / np.log(1.0 - 1.0 / mean))


@inner
def _rates(
    p: npt.NDArray[np.float64], numbers: npt.NDArray[np.float64], levels: Table, marks: Table,
    out: npt.NDArray[np.float64],
) -> float:  # fmt: skip
    """Intensity of each source in the present state; returns their sum."""
    width = len(levels) // 2
    busy = p[_REGIME_FACTOR] if numbers[_IN_REGIME] > 0 else 1.0
    out[0] = out[1] = p[_LIMIT]
    for side in range(2):
        informed = p[_TOXIC_FACTOR] if numbers[_INFORMED] == 1 - 2 * side else 1.0
        out[2 + side] = p[_MARKET] * busy * informed + numbers[_HOT_BUY + side]
    out[4] = p[_CANCEL] * (1.0 + p[_IMBALANCE]) * numbers[_LIVE]
    out[5], out[6], out[7], out[8], out[9] = p[_REGIME], p[_JUMP], p[_TOXIC], p[_SQUEEZE], p[_IGNITE]
    out[10] = p[_MAKER]
    if marks[BID] < 0 or marks[ASK] >= width:
        out[2:4] = 0.0
        out[8:11] = 0.0
    return out.sum()


@compiled
def _run(
    p: npt.NDArray[np.float64], numbers: npt.NDArray[np.float64], orders: Table, levels: Table, marks: Table,
    rows: Table, live: npt.NDArray[np.int64], seconds: float, seed: int,
) -> None:  # fmt: skip
    """Draw events until the time is up or the table of rows is nearly full.

    Forty limit orders are placed at time 0, so that the session starts with a book.
    """
    rates, time = np.zeros(11), 0.0
    for k in range(40):
        _limit(p, numbers, orders, levels, marks, rows, k % 2, 0, seed)
    while marks[ROWS] < len(rows) - 100 and marks[COUNT] < len(orders) - 100:
        live_count = _purge(marks, live)
        numbers[_LIVE] = live_count
        bound = _rates(p, numbers, levels, marks, rates)
        gap = -np.log(_random(numbers, seed)) / bound
        time += gap
        if time >= seconds:
            return
        fade = np.exp(-p[_DECAY] * gap)
        numbers[_HOT_BUY] *= fade
        numbers[_HOT_SELL] *= fade
        pick = _random(numbers, seed) * bound
        _rates(p, numbers, levels, marks, rates)
        source = 0
        while source < 11 and pick >= rates[source]:
            pick -= rates[source]
            source += 1
        if source < 11:  # else thinned: the intensity fell since the last event
            _event(p, numbers, orders, levels, marks, rows, live, source, np.int64(time * 1e9), seed)


@inner
def _purge(marks: Table, live: npt.NDArray[np.int64]) -> int:
    """Keep the list of resting orders; ``live[-1]`` counts the orders seen, ``live[-2]`` those that rest."""
    seen, count = live[-1], live[-2]
    while seen < marks[COUNT]:
        live[count] = seen
        count += 1
        seen += 1
    live[-1], live[-2] = seen, count
    return count


@inner
def _event(
    p: npt.NDArray[np.float64], numbers: npt.NDArray[np.float64], orders: Table, levels: Table, marks: Table,
    rows: Table, live: npt.NDArray[np.int64], source: int, time: int, seed: int,
) -> None:  # fmt: skip
    """Let one source act."""
    if source < 2:
        _limit(p, numbers, orders, levels, marks, rows, source, time, seed)
    elif source < 4:
        qty = _geometric(p[_SIZE], _random(numbers, seed))
        numbers[_HOT_BUY + source - 2] += p[_EXCITE]
        _sweep(orders, levels, marks, rows, source - 2, qty, time)
    elif source == 4:
        _cancel(p, numbers, orders, levels, marks, rows, live, time, seed)
    elif source == 5:
        numbers[_IN_REGIME] = 1.0 - numbers[_IN_REGIME]
    elif source == 6:
        _jump(p, orders, levels, marks, rows, 0 if _random(numbers, seed) < 0.5 else 1, time)
    elif source == 7:
        side = 1.0 if _random(numbers, seed) < 0.5 else -1.0
        numbers[_INFORMED] = 0.0 if numbers[_INFORMED] != 0.0 else side
    elif source == 8:
        _squeeze(numbers, orders, levels, marks, rows, time, seed)
    elif source == 9:
        _ignite(p, numbers, orders, levels, marks, rows, time, seed)
    else:
        _requote(p, numbers, orders, levels, marks, rows, time)


@inner
def _limit(
    p: npt.NDArray[np.float64], numbers: npt.NDArray[np.float64], orders: Table, levels: Table, marks: Table,
    rows: Table, side: int, time: int, seed: int,
) -> None:  # fmt: skip
    """A limit order at a random distance from the other side's best price."""
    width = len(levels) // 2
    distance = _geometric(p[_DISTANCE], _random(numbers, seed))
    qty = _geometric(p[_SIZE], _random(numbers, seed))
    other = marks[ASK] if side == 0 else marks[BID]
    if other < 0 or other >= width:
        own = marks[BID] if side == 0 else marks[ASK]
        middle = width // 2 if own < 0 or own >= width else own
        other = middle + 1 if side == 0 else middle - 1
    place = other - distance if side == 0 else other + distance
    if 0 <= place < width:
        rest(orders, levels, marks, side, place, qty, time, rows)


@inner
def _sweep(orders: Table, levels: Table, marks: Table, rows: Table, side: int, qty: int, time: int) -> None:
    """A market order."""
    width = len(levels) // 2
    match(orders, levels, marks, side, width if side == 0 else -1, qty, time, rows)


@inner
def _jump(
    p: npt.NDArray[np.float64], orders: Table, levels: Table, marks: Table, rows: Table, side: int, time: int
) -> None:
    """A market order that takes the whole of the best levels."""
    width = len(levels) // 2
    for _ in range(np.int64(p[_LEVELS])):
        place = marks[ASK] if side == 0 else marks[BID]
        if 0 <= place < width:
            match(orders, levels, marks, side, place, levels[place + (1 - side) * width, QTY], time, rows)


@inner
def _cancel(
    p: npt.NDArray[np.float64], numbers: npt.NDArray[np.float64], orders: Table, levels: Table, marks: Table,
    rows: Table, live: npt.NDArray[np.int64], time: int, seed: int,
) -> None:  # fmt: skip
    """A random resting order goes, likelier on the crowded side; found gone, it only leaves the list."""
    count = live[-2]
    chosen = min(np.int64(_random(numbers, seed) * count), count - 1)
    k = live[chosen]
    if orders[k, LEFT] == 0:
        live[chosen] = live[count - 1]
        live[-2] = count - 1
        return
    width = len(levels) // 2
    crowd = 0.5
    if marks[BID] >= 0 and marks[ASK] < width:
        bid, ask = levels[marks[BID], QTY], levels[width + marks[ASK], QTY]
        crowd = (bid if orders[k, SIDE] == 0 else ask) / (bid + ask)
    if _random(numbers, seed) * (1.0 + p[_IMBALANCE]) < 1.0 + p[_IMBALANCE] * crowd:
        cancel_order(orders, levels, marks, k, orders[k, LEFT], time, rows)


@inner
def _withdraw(orders: Table, levels: Table, marks: Table, rows: Table, number: float, time: int) -> None:
    k = np.int64(number)
    if k >= 0 and orders[k, LEFT] > 0:
        cancel_order(orders, levels, marks, k, orders[k, LEFT], time, rows)


@inner
def _squeeze(
    numbers: npt.NDArray[np.float64],
    orders: Table,
    levels: Table,
    marks: Table,
    rows: Table,
    time: int,
    seed: int,
) -> None:
    """One unit inside the spread, on a random side; the last such order is withdrawn first."""
    _withdraw(orders, levels, marks, rows, numbers[_SQUEEZER], time)
    numbers[_SQUEEZER] = -1.0
    if marks[BID] >= 0 and marks[ASK] < len(levels) // 2 and marks[ASK] - marks[BID] > 1:
        side = 0 if _random(numbers, seed) < 0.5 else 1
        place = marks[BID] + 1 if side == 0 else marks[ASK] - 1
        numbers[_SQUEEZER] = rest(orders, levels, marks, side, place, 1, time, rows)


@inner
def _ignite(
    p: npt.NDArray[np.float64], numbers: npt.NDArray[np.float64], orders: Table, levels: Table, marks: Table,
    rows: Table, time: int, seed: int,
) -> None:  # fmt: skip
    """A burst of market orders one way, a nanosecond apart, then all of it back."""
    side, total = (0 if _random(numbers, seed) < 0.5 else 1), 0
    for k in range(np.int64(p[_BURST])):
        qty = _geometric(p[_SIZE], _random(numbers, seed))
        total += qty
        _sweep(orders, levels, marks, rows, side, qty, time + k)
    _sweep(orders, levels, marks, rows, 1 - side, total, time + np.int64(p[_BURST]))


@inner
def _requote(
    p: npt.NDArray[np.float64], numbers: npt.NDArray[np.float64], orders: Table, levels: Table, marks: Table,
    rows: Table, time: int,
) -> None:  # fmt: skip
    """The competing maker takes both quotes down and puts them up again, inside if there is room."""
    _withdraw(orders, levels, marks, rows, numbers[_MAKER_BID], time)
    _withdraw(orders, levels, marks, rows, numbers[_MAKER_ASK], time)
    numbers[_MAKER_BID] = numbers[_MAKER_ASK] = -1.0
    bid, ask, size = marks[BID], marks[ASK], np.int64(p[_MAKER_SIZE])
    if bid < 0 or ask >= len(levels) // 2 or size < 1:
        return
    inside = 1 if ask - bid > 2 else 0
    numbers[_MAKER_BID] = rest(orders, levels, marks, 0, bid + inside, size, time, rows)
    numbers[_MAKER_ASK] = rest(orders, levels, marks, 1, ask - inside, size, time, rows)
