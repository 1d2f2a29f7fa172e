"""``quoting calibrate fills``: fill intensities A·exp(-kδ) from recorded trades."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from quoting_policy.cli.trades_file import Trades, Windows, read
from quoting_policy.errors import InputError
from quoting_policy.signals.fill_hazard import MIN_LEVELS, HazardFit, NoFitError, fit_mle, fit_ols

_TAIL = 0.9
"""Without --max-depth, least squares stops at this quantile of the deepest trades."""
_MOST_WINDOWS = 50_000_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    kinds = parser.add_subparsers(dest="calibration", required=True, metavar="WHAT")
    summary = "fill intensity by depth, with standard errors, by least squares and maximum likelihood"
    fills = kinds.add_parser("fills", help=summary, description=summary)
    fills.add_argument("--data", type=Path, required=True, help="CSV: time,depth[,side] or deepest[,side]")
    fills.add_argument("--window", type=float, default=0.1, help="length of a window, s, > 0 (0.1)")
    fills.add_argument("--min-depth", type=float, default=0.0, help="shallowest depth used, price, >= 0 (0)")
    fills.add_argument(
        "--max-depth", type=float, help="deepest level of least squares, price (90 %% of the trades)"
    )
    fills.add_argument("--levels", type=int, default=10, help="levels of least squares, 3 to 1000 (10)")
    fills.add_argument("--seconds", type=float, help="length of the recording, s (from the data)")
    fills.add_argument(
        "--method",
        choices=("ols", "mle"),
        help="which fit is reported as A and k (trades: mle; windows: ols)",
    )
    fills.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    """Print A and k with standard errors, of each side where the data tell sides apart."""
    _check(args)
    by_side = {side: _fit(args, rows) for side, rows in read(args.data).items()}
    answer = by_side.get("both", by_side)
    if args.json:
        print(msgspec.json.encode(answer).decode())
    else:
        print("\n".join(_text(side, fit) for side, fit in by_side.items()))
    return 0


def _check(args: argparse.Namespace) -> None:
    required: tuple[tuple[str, float | None, bool, str], ...] = (
        ("--window", args.window, args.window > 0.0, "a finite number of seconds > 0"),
        ("--min-depth", args.min_depth, args.min_depth >= 0.0, "a finite price >= 0"),
        (
            "--max-depth",
            args.max_depth,
            args.max_depth is None or args.max_depth > args.min_depth,
            "> --min-depth",
        ),
        ("--levels", args.levels, MIN_LEVELS <= args.levels <= 1000, f"in [{MIN_LEVELS}, 1000]"),
        ("--seconds", args.seconds, args.seconds is None or args.seconds > 0.0, "a finite number > 0"),
    )
    for option, value, holds, allowed in required:
        if not holds or (value is not None and not math.isfinite(value)):
            raise InputError(option, value, allowed)


def _fit(args: argparse.Namespace, rows: Trades | Windows) -> dict[str, Any]:
    is_trades = isinstance(rows, Trades)
    windows = _windowed(rows, args.window) if isinstance(rows, Trades) else rows
    seconds = args.seconds or len(windows.deepest) * args.window
    fits: dict[str, Callable[[], HazardFit]] = {"ols": lambda: _ols(args, windows)}
    if isinstance(rows, Trades):
        fits["mle"] = lambda: _mle(args, rows, seconds)
    done: dict[str, dict[str, Any] | None] = {}
    reasons: dict[str, str] = {}
    for name, fit in fits.items():
        try:
            done[name] = _figures(fit())
        except NoFitError as error:
            done[name], reasons[name] = None, str(error)
    method = args.method or ("mle" if is_trades else "ols")
    chosen = done.get(method)
    if chosen is None:
        remedy = reasons.get(method, "it needs a file of trades")
        raise InputError("--method", method, "possible with these data", remedy)
    return {**chosen, "method": method, "seconds": seconds, "windows": len(windows.deepest), "fits": done}


def _windowed(trades: Trades, window: float) -> Windows:
    """Deepest trade of each window from the first trade's to the last one's."""
    first = math.floor(trades.times[0] / window)
    count = math.floor(trades.times[-1] / window) - first + 1
    if count > _MOST_WINDOWS:
        raise InputError("--window", window, f"long enough for at most {_MOST_WINDOWS} windows: time is in s")
    deepest = np.full(count, -np.inf)
    places = np.floor(np.array(trades.times) / window).astype(np.int64) - first
    np.maximum.at(deepest, places, np.array(trades.depths))
    return Windows([depth if math.isfinite(depth) else None for depth in deepest.tolist()])


def _ols(args: argparse.Namespace, windows: Windows) -> HazardFit:
    depths = np.array([depth for depth in windows.deepest if depth is not None and depth >= args.min_depth])
    if not len(depths):
        raise NoFitError("no trade beyond --min-depth")
    deepest = float(np.quantile(depths, _TAIL)) if args.max_depth is None else args.max_depth
    levels = np.linspace(args.min_depth, deepest, args.levels)
    reached = [int((depths >= level).sum()) for level in levels]
    return fit_ols(levels.tolist(), reached, len(windows.deepest), args.window)


def _mle(args: argparse.Namespace, trades: Trades, seconds: float) -> HazardFit:
    depths = [depth for depth in trades.depths if depth >= args.min_depth]
    excess = math.fsum(depth - args.min_depth for depth in depths)
    return fit_mle(len(depths), excess, args.min_depth, max(depths, default=args.min_depth), seconds)


def _figures(fit: HazardFit) -> dict[str, Any]:
    errors = {"A": fit.hazard.A * fit.log_A_se, "lnA": fit.log_A_se, "k": fit.k_se}
    return {
        "A": fit.hazard.A,
        "k": fit.hazard.k,
        "standardErrors": errors,
        "range": {"lowest": fit.lowest, "highest": fit.highest},
        "used": fit.used,
    }


def _text(side: str, fit: dict[str, Any]) -> str:
    errors, used = fit["standardErrors"], fit["range"]
    return (
        f"{side}: A = {fit['A']:.6g} ± {errors['A']:.2g} 1/s, k = {fit['k']:.6g} ± {errors['k']:.2g} 1/price "
        f"({fit['method']}, depths {used['lowest']:g} to {used['highest']:g}, {fit['used']} used)"
    )
