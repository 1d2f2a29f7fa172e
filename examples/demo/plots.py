"""The timeline as one figure: phase, exposure, who quotes, inventory, P&L."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from examples.demo.prometheus import Series

COLOURS = {
    "Paper": "#dfe7f2",
    "Shadow": "#cfd6ec",
    "Canary": "#fbe3b5",
    "Live": "#cdebd0",
    "RolledBack": "#f5c6c4",
    "Expired": "#e9ddd3",
    "Killed": "#e49b98",
    "Invalid": "#f0d0e0",
    "Paused": "#ececec",
    "Pending": "#f4f4f4",
    "Baseline": "#f4f4f4",
}
ARMS = {"baseline": "#44546a", "candidate": "#d9822b"}
_NARROWEST = 0.045
"""Share of the width from which a phase's name fits into its band."""


@dataclass(frozen=True, slots=True)
class Band:
    """A phase and how long it held, Unix times, s."""

    phase: str
    start: float
    end: float


def bands(changes: Sequence[tuple[float, str]], end: float) -> list[Band]:
    """Phases from their changes, (Unix time, phase) in order; one that follows itself is one band."""
    found: list[Band] = []
    for at, phase in changes:
        if found and found[-1].phase == phase:
            continue
        if found:
            found[-1] = Band(found[-1].phase, found[-1].start, at)
        found.append(Band(phase, at, end))
    return found


def timeline(
    phases: Sequence[Band],
    acts: Sequence[tuple[str, float]],
    panels: Mapping[str, Sequence[Series]],
    start: float,
) -> str:
    """The figure as SVG. acts: label and beginning, Unix time. panels: as QUERIES names them."""
    mpl.rcParams.update({"font.family": "sans-serif", "font.size": 8.5, "svg.fonttype": "none"})
    figure = Figure(figsize=(10, 6.6), layout="constrained")
    heights = {"": 0.35, "exposure": 0.8, "quotes": 0.9, "inventory": 1.0, "pnl": 1.4}
    axes: Sequence[Axes] = figure.subplots(
        len(heights), 1, sharex=True, gridspec_kw={"height_ratios": list(heights.values())}
    )
    end = max((band.end for band in phases), default=start + 1.0)
    _name_phases(axes[0], phases, start, end)
    titles = {
        "exposure": "exposure, %",
        "quotes": "quotes/s",
        "inventory": "inventory, lots",
        "pnl": "P&L, money",
    }
    for axis, panel in zip(axes[1:], titles, strict=True):
        for band in phases:
            axis.axvspan(band.start - start, band.end - start, color=COLOURS.get(band.phase, "#ffffff"), lw=0)
        for line in panels.get(panel, ()):
            shifted = [at - start for at in line.at]
            colour = ARMS.get(line.label, "#222222")
            axis.plot(
                shifted, line.values, lw=1.0, color=colour, label=line.label or None, drawstyle="steps-post"
            )
        if not panels.get(panel):
            axis.text(
                0.5, 0.5, "no data", transform=axis.transAxes, ha="center", va="center", color="#888888"
            )
        axis.set_ylabel(titles[panel])
        _clean(axis)
    for panel in ("quotes", "pnl"):
        if any(line.label for line in panels.get(panel, ())):
            axes[list(heights).index(panel)].legend(loc="upper left", frameon=False, ncols=2, fontsize=8)
    for label, at in acts:
        for axis in axes:
            axis.axvline(at - start, color="#666666", lw=0.6, ls=(0, (3, 3)))
        axes[0].text(
            at - start, 1.15, label, transform=axes[0].get_xaxis_transform(), fontsize=8, color="#444444"
        )
    axes[-1].set_xlabel("seconds since the demonstration began")
    axes[-1].set_xlim(0.0, end - start)
    text = io.StringIO()
    figure.savefig(text, format="svg")
    return text.getvalue()[text.getvalue().index("<svg") :]


def _name_phases(axis: Axes, phases: Sequence[Band], start: float, end: float) -> None:
    for band in phases:
        axis.axvspan(band.start - start, band.end - start, color=COLOURS.get(band.phase, "#ffffff"), lw=0)
        if band.end - band.start > _NARROWEST * (end - start):
            middle = 0.5 * (band.start + band.end) - start
            axis.text(middle, 0.5, band.phase, ha="center", va="center", clip_on=True)
    axis.set_ylim(0.0, 1.0)
    axis.set_yticks([])
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)


def _clean(axis: Axes) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", lw=0.4, color="#ffffff")
    axis.margins(y=0.1)
