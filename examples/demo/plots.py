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
_LETTER = 0.0068
"""Share of the figure's width that a letter of a phase's name takes."""


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


PANELS = {
    "exposure": ("exposure, %", 0.8),
    "quotes": ("who quotes, 1/s", 0.9),
    "inventory": ("inventory, lots", 1.0),
    "pnl": ("P&L, money", 1.4),
}
"""Panel -> its axis and its height, as a share of the others'."""


def timeline(
    phases: Sequence[Band],
    acts: Sequence[tuple[str, float]],
    panels: Mapping[str, Sequence[Series]],
    start: float,
) -> str:
    """The figure as SVG. acts: label and beginning, Unix time. panels: as QUERIES names them."""
    mpl.rcParams.update({"font.family": "sans-serif", "font.size": 8.5, "svg.fonttype": "none"})
    figure = Figure(figsize=(10, 6.6), layout="constrained")
    heights = [0.35, *(height for _, height in PANELS.values())]
    axes: Sequence[Axes] = figure.subplots(
        len(heights), 1, sharex=True, gridspec_kw={"height_ratios": heights}
    )
    end = max((band.end for band in phases), default=start + 1.0)
    _name_phases(axes[0], phases, start, end)
    for axis, (panel, (title, _)) in zip(axes[1:], PANELS.items(), strict=True):
        _shade(axis, phases, start)
        _draw(axis, panels.get(panel, ()), start, filled=panel == "quotes")
        axis.set_ylabel(title)
    _mark(axes, acts, start)
    axes[-1].set_xlabel("seconds since the demonstration began")
    axes[-1].set_xlim(0.0, end - start)
    text = io.StringIO()
    figure.savefig(text, format="svg")
    return text.getvalue()[text.getvalue().index("<svg") :]


def _shade(axis: Axes, phases: Sequence[Band], start: float) -> None:
    for band in phases:
        axis.axvspan(band.start - start, band.end - start, color=COLOURS.get(band.phase, "#ffffff"), lw=0)


def _draw(axis: Axes, lines: Sequence[Series], start: float, *, filled: bool) -> None:
    for line in lines:
        shifted = [at - start for at in line.at]
        colour, label = ARMS.get(line.label, "#222222"), line.label or None
        if filled:
            axis.fill_between(shifted, line.values, step="post", lw=0, color=colour, label=label)
        else:
            axis.plot(shifted, line.values, lw=1.0, color=colour, label=label, drawstyle="steps-post")
    if not lines:
        axis.text(0.5, 0.5, "no data", transform=axis.transAxes, ha="center", va="center", color="#888888")
    if any(line.label for line in lines):
        axis.legend(loc="upper left", frameon=False, ncols=2, fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", lw=0.4, color="#ffffff")
    axis.margins(y=0.1)
    if filled:
        axis.set_ylim(0.0, 1.4 * axis.get_ylim()[1])


def _mark(axes: Sequence[Axes], acts: Sequence[tuple[str, float]], start: float) -> None:
    for label, at in acts:
        for axis in axes:
            axis.axvline(at - start, color="#666666", lw=0.6, ls=(0, (3, 3)))
        place = axes[0].get_xaxis_transform()
        axes[0].text(at - start, 1.15, label, transform=place, fontsize=8, color="#444444")


def _name_phases(axis: Axes, phases: Sequence[Band], start: float, end: float) -> None:
    _shade(axis, phases, start)
    for band in phases:
        if band.end - band.start > _LETTER * len(band.phase) * (end - start):
            middle = 0.5 * (band.start + band.end) - start
            axis.text(middle, 0.5, band.phase, ha="center", va="center", clip_on=True)
    axis.set_ylim(0.0, 1.0)
    axis.set_yticks([])
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
