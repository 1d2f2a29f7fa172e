"""Binance USDT-M futures as recorded from the websocket: depth diffs, best quotes, trades, a REST snapshot.

The book follows Binance's rule ("How to manage a local order book correctly"): diffs with ``u`` below the
snapshot's ``lastUpdateId`` are left out, and each later diff's ``pu`` must be its predecessor's ``u``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from quoting_policy.data.binance_json import (
    BEST_QUOTE,
    DEPTH_DIFF,
    SCALE,
    SNAPSHOT,
    UNUSED,
    Stream,
    empty_stream,
    read_lines,
)  # fmt: skip
from quoting_policy.data.compiled import compiled
from quoting_policy.data.rows import Fault
from quoting_policy.data.source import Intake, scaled
from quoting_policy.data.tape import Facts, Tape, receipt_order, traded_range
from quoting_policy.data.text import line_ends
from quoting_policy.errors import InputError

_STALE = 255  # a diff that the snapshot already contains
_GAP = int(Fault.SEQUENCE_GAP)


def load_binance_ws(
    paths: list[Path], intake: Intake, *, tick: str = "", lot: str = "", symbol: str = "", **_: str
) -> Tape:
    """Read files of one symbol, oldest first. tick, lot: of the contract, for example 0.1 and 0.001.

    Local times are shifted by a constant where any row would otherwise arrive before it was produced.
    """
    if not tick or not lot:
        raise InputError(
            "tick, lot", (tick, lot), "given", "the stream doesn't carry them: --tick 0.1 --lot 0.001"
        )
    pieces, last = [], -1
    for path in paths:
        piece, last = _read(path, intake, scaled("tick", tick, SCALE), scaled("lot", lot, SCALE), last)
        pieces.append(piece)
    columns = {name: np.concatenate([p[name] for p in pieces]) for name in pieces[0]}
    return _tape(columns, intake, tick=tick, lot=lot, symbol=symbol or _symbol(paths[0]))


def _read(
    path: Path, intake: Intake, tick: int, lot: int, last: int
) -> tuple[dict[str, npt.NDArray[Any]], int]:
    """One file's rows in the file's order, and the update id that its last diff ended with."""
    text = intake.read(path)
    ends = line_ends(text)
    stream = empty_stream(text, len(ends))
    lines, rows = read_lines(text, ends, tick, lot, stream)
    of_rows = ("code", "price", "qty")
    stream = Stream(**{n: a[: rows if n in of_rows else lines] for n, a in stream._asdict().items()})
    counts = np.diff(stream.row, append=rows)
    last = _chain(stream, last)
    stale = stream.fault == _STALE
    intake.rows_read += lines
    intake.ignored.update(
        {"diff before the snapshot": int(stale.sum()), "message not used": int((stream.kind == UNUSED).sum())}
    )
    good = intake.keep(path, np.where(stale, 0, stream.fault).astype(np.uint8)) & ~stale
    local_ns = _received(stream)
    message = np.repeat(np.arange(lines), counts)
    kept = good[message]
    quotes = good & (stream.kind == BEST_QUOTE)
    message = message[kept]
    return {
        "exch_ns": stream.exch_ns[message],
        "local_ns": local_ns[message],
        "code": stream.code[kept],
        "price": stream.price[kept],
        "qty": stream.qty[kept],
        "quote_exch_ns": stream.exch_ns[quotes],
        "quote_bid": stream.bid[quotes],
        "quote_ask": stream.ask[quotes],
        "snapshot": np.array([bool((stream.kind == SNAPSHOT).any())]),
    }, last


def _received(stream: Stream) -> npt.NDArray[np.int64]:
    """When the recorder could use each message: diffs that wait for their snapshot arrive with it."""
    snapshots = np.flatnonzero(stream.kind == SNAPSHOT)
    received = stream.local_ns.copy()
    for s in snapshots:
        waiting = (
            (np.arange(len(received)) < s) & (stream.kind == DEPTH_DIFF) & (stream.last >= stream.last[s])
        )
        received[waiting] = stream.local_ns[s]
    return received


def _chain(stream: Stream, last: int) -> int:
    """Mark stale diffs and sequence gaps; ``last`` is the update id so far, -1 at the very start."""
    snapshots = np.flatnonzero(stream.kind == SNAPSHOT)
    anchor = int(stream.last[snapshots[0]]) if len(snapshots) and last < 0 else -1
    return int(_walk(stream.kind, stream.first, stream.last, stream.previous, stream.fault, anchor, last))


@compiled
def _walk(
    kind: npt.NDArray[np.uint8], first: npt.NDArray[np.int64], final: npt.NDArray[np.int64],
    previous: npt.NDArray[np.int64], fault: npt.NDArray[np.uint8], anchor: int, last: int,
) -> int:  # fmt: skip
    """Follow the chain of update ids; after a gap every diff is faulty until the next snapshot."""
    broken = False
    for i in range(len(kind)):
        if kind[i] == SNAPSHOT and fault[i] == 0:
            broken = False
            if final[i] > last:
                last = -1 if last < 0 else final[i]
        if kind[i] != DEPTH_DIFF or fault[i] != 0:
            continue
        if final[i] < anchor:
            fault[i] = _STALE
        elif (
            broken or (last >= 0 and previous[i] != last) or (last < 0 and anchor >= 0 and first[i] > anchor)
        ):
            broken = True
            fault[i] = _GAP
        else:
            last = final[i]
    return last


def _tape(columns: dict[str, npt.NDArray[Any]], intake: Intake, *, tick: str, lot: str, symbol: str) -> Tape:
    snapshot = bool(columns.pop("snapshot").any())
    quotes = {name: column for name, column in columns.items() if name.startswith("quote")}
    order = np.argsort(columns["exch_ns"], kind="stable")
    rows = {name: column[order] for name, column in columns.items() if name not in quotes}
    latency = rows["local_ns"] - rows["exch_ns"]
    shift = max(0, -int(latency.min(initial=0)))
    rows["local_ns"] += shift
    facts = Facts(
        venue="Binance USDT-M",
        symbol=symbol,
        level=2,
        tick_size=tick,
        qty_unit=lot,
        local_clock=True,
        clock_shift_ns=shift,
        snapshot=snapshot,
        **traded_range(rows["code"], rows["price"]),
        **intake.account,
    )
    by_time = np.argsort(quotes["quote_exch_ns"], kind="stable")
    quotes = {name: column[by_time] for name, column in quotes.items()}
    return Tape(facts=facts, **rows, **quotes, local_order=receipt_order(rows["local_ns"]))


def _symbol(path: Path) -> str:
    """The symbol that a recorder's file name carries, ``usdm_btcusdt_20230404.dat.gz``."""
    words = path.name.split("_")
    return words[1].upper() if len(words) > 2 else path.stem.upper()
