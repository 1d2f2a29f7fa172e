"""Plots of the paper canary report: each a self-contained picture with a text that says what it shows."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from quoting_policy.accounting import HORIZONS_S
from quoting_policy.paper.arm import ArmRecord
from quoting_policy.paper.evaluate import Part
from quoting_policy.paper.sessions import Session

Float = npt.NDArray[np.float64]

COLOURS = ("#5b6770", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Baseline first; a palette that colour-blind readers can tell apart (Okabe & Ito)."""

_STYLE: Any = {
    "figure.dpi": 110, "font.size": 9, "font.family": "sans-serif", "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": "#e3e7ea", "grid.linewidth": 0.7,
    "axes.edgecolor": "#98a2a9", "axes.labelcolor": "#3c474e", "xtick.color": "#3c474e",
    "ytick.color": "#3c474e", "legend.frameon": False, "svg.fonttype": "none", "svg.hashsalt": "paper",
    "lines.linewidth": 1.3, "axes.titlesize": 9.5, "axes.titleweight": "bold", "axes.titlelocation": "left",
}  # fmt: skip
_MOST_POINTS = 700


@dataclass(frozen=True, slots=True)
class Picture:
    """title: heading. alt: what it shows, in words. source: a data URI. wide: takes the full width."""

    title: str
    alt: str
    source: str
    wide: bool = False


def pictures(
    sessions: Sequence[Session], parts: Sequence[Part], lot: float, limit: float | None
) -> list[Picture]:
    """Plots over all arms, in the order of the report."""
    labels = list(parts[0].arms)
    arms = {label: [part.arms[label] for part in parts] for label in labels}
    table: tuple[tuple[str, bool, Callable[..., str], tuple[Any, ...]], ...] = (
        ("Profit and loss", True, _pnl, (arms,)),
        ("Inventory", True, _inventory, (arms, limit)),
        ("Quoted spread", False, _spread, (arms,)),
        ("Markout by horizon", False, _markouts, (arms, lot)),
        ("Exposure", False, _exposure, (arms, limit)),
        ("Clamps that bound", False, _clamps, (arms,)),
        ("Fill map", True, _fill_map, (arms, sessions)),
    )
    return [_draw(title, wide, plot, args) for title, wide, plot, args in table]


def sequence_picture(
    gate: str, rows: Sequence[Sequence[float | None]], pass_at: float, fail_at: float
) -> Picture:
    """A gate's confidence sequence of the mean difference, and its evidence against the thresholds."""

    def plot(canvas: Canvas) -> str:
        left, right = canvas.subplots(1, 2)
        n = [row[0] for row in rows]
        columns = [
            np.array([np.nan if row[k] is None else row[k] for row in rows], float) for k in range(1, 6)
        ]
        estimate, lower, upper, for_, against = columns
        left.axhline(0, color="#98a2a9", lw=0.8)
        left.fill_between(np.array(n, float), lower, upper, color=COLOURS[1], alpha=0.15, lw=0)
        left.plot(n, estimate, color=COLOURS[1])
        left.set(title="mean difference, confidence sequence", xlabel="blocks")
        right.plot(n, for_, color=COLOURS[3], label="for")
        right.plot(n, against, color=COLOURS[2], label="against")
        right.axhline(pass_at, color=COLOURS[3], ls="--", lw=0.9)
        right.axhline(fail_at, color=COLOURS[2], ls="--", lw=0.9)
        right.set(title="evidence, ln E (dashed: thresholds)", xlabel="blocks")
        right.legend(loc="upper left", ncols=2)
        last = estimate[-1] if len(estimate) else float("nan")
        found = f"evidence for {_last(for_)}, against {_last(against)}"
        return f"Gate {gate} after {len(rows)} blocks: mean difference {last:.4g}; {found}."

    return _draw(f"Gate {gate}", True, plot, (), height=2.3)


def ledger_picture(label: str, accounts: Sequence[Mapping[str, Any]]) -> Picture:
    """The exploration ledger: loss against the baseline, and the prices tried."""

    def plot(canvas: Canvas) -> str:
        left, right = canvas.subplots(1, 2)
        for account in accounts:
            rows = np.array(account["rows"], float).reshape(-1, 6)
            left.plot(np.arange(1, len(rows) + 1), rows[:, 5], color=COLOURS[2])
            right.plot(rows[:, 0], rows[:, 1], ".", color=COLOURS[1], ms=3)
            right.plot(rows[:, 0], -rows[:, 2], ".", color=COLOURS[2], ms=3)
            left.axhline(account["maxLoss"], color="#98a2a9", ls="--", lw=0.9)
            left.axvline(account["most"], color="#98a2a9", ls=":", lw=0.9)
        left.set(
            title="loss against the baseline (dashed: cap on loss, dotted: on rounds)",
            xlabel="explored rounds",
            ylabel="money",
        )
        right.set(
            title="distance from the mid tried: ask above, bid below",
            xlabel="seconds into the session",
            ylabel="price",
        )
        explored, loss = (sum(account[key] for account in accounts) for key in ("explored", "loss"))
        return f"{label}: {explored} explored rounds, loss {loss:.4g}."

    return _draw(f"Exploration of {label}", True, plot, (), height=2.5)


def _draw(
    title: str, wide: bool, plot: Callable[..., str], args: tuple[Any, ...], height: float = 2.9
) -> Picture:
    with _canvas(10.2 if wide else 5.0, height) as canvas:
        alt = plot(canvas, *args)
        buffer = io.BytesIO()
        canvas.savefig(buffer, format="svg", metadata={"Date": None})
    text = base64.b64encode(buffer.getvalue()).decode()
    return Picture(title, alt, f"data:image/svg+xml;base64,{text}", wide)


@contextmanager
def _canvas(width: float, height: float) -> Iterator[Canvas]:
    with mpl.rc_context(_STYLE):
        canvas = plt.figure(figsize=(width, height), layout="constrained")
        try:
            yield canvas
        finally:
            plt.close(canvas)


def _joined(arms: Sequence[ArmRecord], column: int, *, cumulate: bool = False) -> tuple[Float, Float]:
    """A curve over all sessions one after the other, minutes of evidence; money is carried over."""
    times, values, offset, level = [], [], 0.0, 0.0
    for arm in arms:
        if len(arm.curves):
            times.append((arm.curves[:, 0] + offset) / 60)
            values.append(arm.curves[:, column] + level)
            offset += arm.curves[-1, 0]
            level = values[-1][-1] if cumulate else 0.0
    if not times:
        return np.zeros(0), np.zeros(0)
    t, v = np.concatenate(times), np.concatenate(values)
    keep = np.unique(np.linspace(0, len(t) - 1, min(len(t), _MOST_POINTS)).round().astype(np.int64))
    return t[keep], v[keep]


def _lines(
    axes: Axes, arms: Mapping[str, Sequence[ArmRecord]], column: int, *, cumulate: bool = False
) -> None:
    for (label, records), colour in zip(arms.items(), _colours(), strict=False):
        axes.plot(*_joined(records, column, cumulate=cumulate), color=colour, label=label)
    axes.set_xlabel("minutes of evidence")


def _pnl(canvas: Canvas, arms: Mapping[str, Sequence[ArmRecord]]) -> str:
    axes = canvas.subplots()
    axes.axhline(0, color="#98a2a9", lw=0.8)
    _lines(axes, arms, 1, cumulate=True)
    axes.set_ylabel("money, net of fees")
    _legend(axes, arms)
    ends = {label: _joined(records, 1, cumulate=True)[1] for label, records in arms.items()}
    return (
        "Profit and loss, marked at the mid. At the end: "
        + ", ".join(f"{k} {_last(v)}" for k, v in ends.items())
        + "."
    )


def _inventory(canvas: Canvas, arms: Mapping[str, Sequence[ArmRecord]], limit: float | None) -> str:
    axes = canvas.subplots()
    _lines(axes, arms, 2)
    for bound in () if limit is None else (-limit, limit):
        axes.axhline(bound, color="#b3261e", ls="--", lw=0.9)
    axes.set_ylabel("inventory, lots")
    _legend(axes, arms)
    most = {
        label: max((np.abs(r.curves[:, 2]).max(initial=0.0) for r in records), default=0.0)
        for label, records in arms.items()
    }
    return (
        "Inventory over time; dashed: the position limit. Largest: "
        + ", ".join(f"{k} {v:.0f}" for k, v in most.items())
        + " lots."
    )


def _spread(canvas: Canvas, arms: Mapping[str, Sequence[ArmRecord]]) -> str:
    axes = canvas.subplots()
    boxes, labels, words = [], [], []
    for label, records in arms.items():
        curves = np.concatenate([record.curves for record in records])
        spread = curves[:, 5] - curves[:, 4]
        spread = spread[np.isfinite(spread)]
        boxes.append(spread if len(spread) else np.array([np.nan]))
        labels.append(label)
        words.append(f"{label} {np.median(spread):.4g}" if len(spread) else f"{label} none")
    drawn = axes.boxplot(
        boxes, tick_labels=labels, showfliers=False, patch_artist=True, widths=0.5, whis=(5, 95)
    )
    for patch, median, colour in zip(drawn["boxes"], drawn["medians"], _colours(), strict=False):
        patch.set(facecolor=colour, alpha=0.35, edgecolor=colour)
        median.set(color=colour, linewidth=2)
    axes.set_ylabel("own ask - own bid, price")
    axes.tick_params(axis="x", labelrotation=15 if len(labels) > 3 else 0)
    return "Spread of the clamped quotes: median, quartiles, 5 and 95 %. Median: " + ", ".join(words) + "."


def _markouts(canvas: Canvas, arms: Mapping[str, Sequence[ArmRecord]], lot: float) -> str:
    axes = canvas.subplots()
    axes.axhline(0, color="#98a2a9", lw=0.8)
    places, words = np.arange(len(HORIZONS_S) + 1), []
    for (label, records), colour in zip(arms.items(), _colours(), strict=False):
        sums = np.sum([record.markout for record in records], axis=0)
        fills = np.concatenate([record.fills for record in records])
        quantity = fills[:, 3].sum() * lot
        per_fill = quantity / len(fills) if len(fills) else np.nan
        with np.errstate(divide="ignore", invalid="ignore"):
            curve = np.concatenate([[sums[1, 0] / sums[0, 0]], sums[2] / sums[0]]) / per_fill
        axes.plot(places, curve, marker="o", ms=4, color=colour, label=label)
        words.append(f"{label} {_last(curve)}")
    axes.set_xticks(places, ["fill", *(f"{horizon:g} s" for horizon in HORIZONS_S)])
    axes.set(ylabel="price a unit, before fees", xlabel="time after the fill")
    return f"Markout of fills by horizon; > 0 earns. After {HORIZONS_S[-1]:g} s: " + ", ".join(words) + "."


def _exposure(canvas: Canvas, arms: Mapping[str, Sequence[ArmRecord]], limit: float | None) -> str:
    axes = canvas.subplots()
    words = []
    for (label, records), colour in zip(arms.items(), _colours(), strict=False):
        held = np.sort(np.abs(np.concatenate([record.curves[:, 2] for record in records])))
        if not len(held):
            continue
        share = 100 * (1 - np.arange(len(held)) / len(held))
        keep = slice(None, None, max(1, len(held) // _MOST_POINTS))
        axes.plot((held / limit * 100 if limit else held)[keep], share[keep], color=colour, label=label)
        words.append(f"{label} {np.mean(held):.3g}")
    axes.set(
        ylabel="% of time at or above",
        xlabel="|inventory|, % of the limit" if limit else "|inventory|, lots",
        ylim=(0, 101),
    )
    return "Share of time with at least this inventory. Mean: " + ", ".join(words) + " lots."


def _clamps(canvas: Canvas, arms: Mapping[str, Sequence[ArmRecord]]) -> str:
    axes = canvas.subplots()
    totals = {label: _totals(records) for label, records in arms.items()}
    names = sorted({name for total in totals.values() for name in total})
    height = 0.8 / max(1, len(arms))
    for i, ((_, total), colour) in enumerate(zip(totals.items(), _colours(), strict=False)):
        places = np.arange(len(names)) - 0.4 + (i + 0.5) * height
        axes.barh(places, [total.get(name, 0.0) for name in names], height=height, color=colour)
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.set_xlabel("per 1,000 decisions")
    axes.grid(visible=False, axis="y")
    if not names:
        axes.text(0.5, 0.5, "no clamp bound", ha="center", transform=axes.transAxes, color="#98a2a9")
    return (
        "How often each clamp took something from a quote: "
        + "; ".join(
            f"{label}: " + (", ".join(f"{k} {v:.3g}" for k, v in total.items()) or "none")
            for label, total in totals.items()
        )
        + " per 1,000 decisions."
    )


def _totals(records: Sequence[ArmRecord]) -> dict[str, float]:
    decisions = max(1, sum(record.decisions for record in records))
    total: dict[str, float] = {}
    for record in records:
        for block in record.clamps:
            for name, count in block.items():
                total[name] = total.get(name, 0.0) + 1000 * count / decisions
    return dict(sorted(total.items()))


def _fill_map(canvas: Canvas, arms: Mapping[str, Sequence[ArmRecord]], sessions: Sequence[Session]) -> str:
    """The session with most fills, an arm a panel: where on the path of the mid it bought and sold."""
    busiest = max(range(len(sessions)), key=lambda i: sum(len(records[i].fills) for records in arms.values()))
    columns = min(len(arms), 3)
    rows = -(-len(arms) // columns)
    canvas.set_figheight(2.6 * rows)
    panels = np.atleast_1d(canvas.subplots(rows, columns, sharex=True, sharey=True)).ravel()
    words = []
    for axes in panels[len(arms) :]:
        axes.remove()
    for axes, (label, records), colour in zip(panels, arms.items(), _colours(), strict=False):
        record = records[busiest]
        keep = slice(None, None, max(1, len(record.curves) // _MOST_POINTS))
        axes.plot(record.curves[keep, 0] / 60, record.curves[keep, 3], color="#b8c0c5", lw=0.9)
        fills = record.fills
        for sign, marker, shade in ((1, "^", COLOURS[1]), (-1, "v", COLOURS[2])):
            mine = fills[fills[:, 1] == sign]
            mine = mine[:: max(1, len(mine) // _MOST_POINTS)]
            axes.scatter(
                mine[:, 0] / 60,
                mine[:, 2],
                s=12,
                marker=marker,
                color=shade,
                alpha=0.75,
                lw=0,
                zorder=3,
                rasterized=True,
            )
        axes.set_title(f"{label}: {len(fills)} fills", color=colour)
        axes.set_xlabel("minutes")
        axes.ticklabel_format(axis="y", useOffset=False)
        words.append(f"{label} {int((fills[:, 1] > 0).sum())} bought, {int((fills[:, 1] < 0).sum())} sold")
    panels[0].set_ylabel("price")
    return (
        f"Fills on the path of the mid in session {sessions[busiest].name} (up: bought, down: sold): "
        + "; ".join(words)
        + "."
    )


def _legend(axes: Axes, arms: Mapping[str, Sequence[ArmRecord]]) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=min(6, len(arms)), borderaxespad=0)


def _colours() -> Iterator[str]:
    while True:
        yield from COLOURS


def _last(values: Float) -> str:
    return f"{values[-1]:.4g}" if len(values) and np.isfinite(values[-1]) else "none"
