"""The sources of synthetic order flow: who acts next, and what each does to the book."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from quoting_policy.data.compiled import compiled, inner
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

(_LIMIT, _DISTANCE, _MARKET, _CANCEL, _IMBALANCE, _SIZE, _EXCITE, _DECAY, _REGIME, _REGIME_FACTOR, _JUMP,
 _LEVELS,
 _TOXIC, _TOXIC_FACTOR, _SQUEEZE, _IGNITE, _BURST, _MAKER, _MAKER_SIZE) = range(19)  # fmt: skip
_HOT_BUY, _HOT_SELL, _IN_REGIME, _INFORMED, _LIVE, _SQUEEZER, _MAKER_BID, _MAKER_ASK, _DRAWS = range(9)
"""Mutable numbers of a run: excitation of buyers, sellers; regime on; informed side (+1, -1, 0); resting
orders; last order of the squeezer and of the maker's sides (-1: none); random numbers used."""
_STREAM = np.int64(0)


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
def draw_events(
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
