"""From what two arms did to oriented block differences: one table of metrics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from quoting_policy.accounting import Counter, markout_gain
from quoting_policy.domain.measures import HORIZONS_S, LEAST_OWN_SHARE, MEASURES
from quoting_policy.domain.session import ACCEPTED, BASELINE_MISSING, BOTH_MISSING, CANDIDATE_MISSING
from quoting_policy.paper.arm import ArmRecord

Float = npt.NDArray[np.float64]


def _signed(gain: int) -> Callable[[ArmRecord, float], Float]:
    return lambda arm, block_s: (arm.counts[:, gain] - arm.counts[:, gain + 1]) / block_s


def _markout(horizon: int) -> Callable[[ArmRecord, float], Float]:
    """Markout that came due in the block; a block that ends before any could is not a measurement."""

    def rate(arm: ArmRecord, block_s: float) -> Float:
        value = _signed(markout_gain(horizon))(arm, block_s)
        ends_s = block_s * np.arange(1, len(value) + 1)
        return np.where(ends_s > HORIZONS_S[horizon], value, np.nan)

    return rate


def _realised_spread(horizon: int) -> Callable[[ArmRecord, float], Float]:
    """Twice the markout a filled lot; it does not exist in a block without fills."""

    def rate(arm: ArmRecord, block_s: float) -> Float:
        return _ratio(2.0 * block_s * _markout(horizon)(arm, block_s), arm.counts[:, Counter.FILLED_LOTS])

    return rate


def _of_own_time(counter: int) -> Callable[[ArmRecord, float], Float]:
    return lambda arm, _: _ratio(arm.own[:, counter], arm.own[:, Counter.EXPOSURE_S])


def _ratio(numerator: Float, denominator: Float) -> Float:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


def _clamped(arm: ArmRecord, block_s: float) -> Float:
    counts = np.array([float(sum(block.values())) for block in arm.clamps])
    return np.where(np.isfinite(arm.counts[:, Counter.EXPOSURE_S]), counts / block_s, np.nan)


METRICS: dict[str, Callable[[ArmRecord, float], Float]] = {
    "pnl": _signed(Counter.PNL_GAIN),
    "edge": _signed(Counter.EDGE_GAIN),
    **{f"markout_{horizon:g}s": _markout(i) for i, horizon in enumerate(HORIZONS_S)},
    **{f"realisedSpread_{horizon:g}s": _realised_spread(i) for i, horizon in enumerate(HORIZONS_S)},
    "fillRatio": lambda arm, _: _ratio(arm.counts[:, Counter.FILLED_LOTS], arm.orders[:, 0]),
    "inventoryExcursion": _of_own_time(Counter.EXCURSION_S),
    "meanInventory": _of_own_time(Counter.INVENTORY_LOT_S),
    "clampsBound": _clamped,
}
"""Metric -> its value in each block of an arm."""


def differences(baseline: ArmRecord, candidate: ArmRecord, block_s: float) -> dict[str, list[float]]:
    """Oriented differences of every metric, by block, rounded to 32 bits; NaN where either arm has none."""
    result = {}
    for name, value in METRICS.items():
        change = MEASURES[name].better * (value(candidate, block_s) - value(baseline, block_s))
        result[name] = [float(x) + 0.0 for x in change.astype(np.float32)]
    return result


def block_status(baseline: ArmRecord, candidate: ArmRecord, decisions: float) -> str:
    """One character a block: accepted, or which arm was missing from it.

    An arm that crashed, that answered too little itself, or that made no fill in the whole session, is
    missing: its zeros would be no measurement. decisions: requests in a block.
    """
    there = [_present(arm, decisions) for arm in (candidate, baseline)]
    words = {(True, True): ACCEPTED, (False, True): CANDIDATE_MISSING, (True, False): BASELINE_MISSING}
    return "".join(words.get((bool(c), bool(b)), BOTH_MISSING) for c, b in zip(*there, strict=True))


def _present(arm: ArmRecord, decisions: float) -> npt.NDArray[np.bool_]:
    return _answered(arm, decisions) & (len(arm.fills) > 0)


def _answered(arm: ArmRecord, decisions: float) -> npt.NDArray[np.bool_]:
    """Blocks in which the arm answered nearly all of ``decisions`` requests itself."""
    return np.nan_to_num(arm.orders[:, 2]) >= LEAST_OWN_SHARE * decisions


def rejections(name: str, arm: ArmRecord, decisions: float) -> list[str]:
    """Why an arm's session is not, or not wholly, evidence."""
    absent = int((~_answered(arm, decisions)).sum())
    table = (
        (bool(arm.crashed), f"{name} crashed: {arm.crashed[:120]}"),
        (bool(arm.breaches), f"{name} breached: {', '.join(arm.breaches)}"),
        (len(arm.fills) == 0, f"{name} made no fill"),
        (absent > 0 and not arm.crashed, f"{name} did not answer itself in {absent} block(s)"),
        (bool(arm.exploration), f"{name} explores: what it did is no evidence for promotion"),
    )
    return [reason for holds, reason in table if holds]
