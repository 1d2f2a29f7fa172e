"""What an arm achieved over its sessions, in the terms desks use. Nothing here decides; gates do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from quoting_policy.accounting import HORIZONS_S, Counter
from quoting_policy.accounting.risk import max_drawdown
from quoting_policy.paper.arm import ArmRecord
from quoting_policy.paper.desk import Desk
from quoting_policy.paper.sessions import Session

Value = float | int | None


def performance(arms: Sequence[ArmRecord], sessions: Sequence[Session], desk: Desk) -> dict[str, Any]:
    """Figures over all complete blocks of an arm; None where there is nothing to compute one from.

    pnl: money. sharpe: of block P&L, annualised by the square root of blocks a year; sharpeError: its
    standard error for independent blocks (Lo 2002). maxDrawdown: money, of the sampled equity within a
    session; capital: money that the position limit ties up at the mean mid, in which maxDrawdownShare is.
    fillRate: lots filled of lots sent. spreadCapture: edge over the quoted spread at the fills (1/2 at the
    touch); realised10s: the same after 10 s of adverse selection. turnoverPerDay: notional over capital.
    meanPosition: mean |inventory| over the position limit. Blocks cut short by a crash do not count.
    """
    counts = np.concatenate([arm.counts for arm in arms]) if arms else np.zeros((0, 13))
    done = counts[np.isfinite(counts[:, 0])]
    fills = np.concatenate([arm.fills for arm in arms])
    if len(done) == 0:
        return {"blocks": 0, "fills": len(fills), "note": "no complete block"}
    pnl = done[:, Counter.PNL_GAIN] - done[:, Counter.PNL_LOSS]
    seconds = len(done) * desk.block_s
    capital = _capital(arms, sessions, desk)
    sent = float(np.nansum(np.concatenate([arm.orders for arm in arms])[:, 0]))
    sharpe, error = _sharpe(pnl, desk)
    drawdown = max(
        (max_drawdown(np.diff(arm.curves[:, 1], prepend=0.0).tolist()) for arm in arms if len(arm.curves)),
        default=0.0,
    )
    limit = desk.limits.get("maxPosition")
    lot_seconds, exposure = done[:, Counter.INVENTORY_LOT_S].sum(), done[:, Counter.EXPOSURE_S].sum()
    held = _ratio(lot_seconds, exposure)
    return {
        "blocks": len(done),
        "fills": len(fills),
        "pnl": float(pnl.sum()),
        "fees": float(fills[:, 6].sum()) if len(fills) else 0.0,
        "sharpe": sharpe,
        "sharpeError": error,
        "maxDrawdown": drawdown,
        "capital": capital,
        "maxDrawdownShare": _ratio(drawdown, capital),
        "fillRate": _ratio(float(done[:, Counter.FILLED_LOTS].sum()), sent),
        "spreadCapture": _capture(arms, sessions, None),
        "realised10s": _capture(arms, sessions, HORIZONS_S.index(10.0)),
        "turnoverPerDay": _ratio(
            float(done[:, Counter.TURNOVER].sum()) * desk.trading_day_s / seconds, capital
        ),
        "meanInventory": held,
        "meanPosition": None if held is None or limit is None else _ratio(held, limit),
        "excursionShare": _ratio(done[:, Counter.EXCURSION_S].sum(), exposure),
        "decisions": sum(arm.decisions for arm in arms),
        "refusals": sum(arm.refusals for arm in arms),
        "breaches": sorted({breach for arm in arms for breach in arm.breaches}),
    }


def _sharpe(pnl: np.ndarray[Any, np.dtype[np.float64]], desk: Desk) -> tuple[Value, Value]:
    if len(pnl) < 2 or not pnl.std(ddof=1) > 0:
        return None, None
    a_block = float(pnl.mean() / pnl.std(ddof=1))
    scale = math.sqrt(desk.trading_day_s * desk.trading_days / desk.block_s)
    return a_block * scale, math.sqrt((1 + a_block**2 / 2) / len(pnl)) * scale


def _capital(arms: Sequence[ArmRecord], sessions: Sequence[Session], desk: Desk) -> Value:
    limit = desk.limits.get("maxPosition")
    mids = np.concatenate([arm.curves[:, 3] for arm in arms])
    if limit is None or not np.isfinite(mids).any():
        return None
    lot = float(sessions[0].recording.facts.qty_unit)
    return float(np.nanmean(mids)) * limit * lot


def _capture(arms: Sequence[ArmRecord], sessions: Sequence[Session], horizon: int | None) -> Value:
    """Edge at the fill, or markout at a horizon, over the quoted spread just before the fills."""
    earned = spread = 0.0
    for arm, session in zip(arms, sessions, strict=True):
        lot = float(session.recording.facts.qty_unit)
        known = arm.fills[np.isfinite(arm.fills[:, 5])]
        spread += float((known[:, 5] * known[:, 3]).sum()) * lot
        if horizon is None:
            earned += float((known[:, 1] * (known[:, 4] - known[:, 2]) * known[:, 3]).sum()) * lot
        else:
            earned += float(arm.markout[2, horizon])
    return _ratio(earned, spread)


def _ratio(numerator: float, denominator: Value) -> Value:
    return float(numerator) / denominator if denominator is not None and denominator > 0 else None
