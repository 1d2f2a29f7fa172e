"""The study as Markdown tables and a plot, from what `benchmarks/gates.py --json` wrote.

python -m benchmarks.gate_study.report study.json --svg docs/gates-study.svg
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

PANELS = (
    (-0.25, "promote", "promotes a candidate worse by .25 sd"),
    (0.0, "roll_back", "rolls back an equal one"),
)
"""(true mean, rate, title): what goes wrong in each panel of the plot."""


def main() -> None:
    """Print the tables and write the plot."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "study", type=Path, nargs="+", help="JSON of one run, or of several with different parts"
    )
    parser.add_argument("--svg", type=Path, help="where to write the plot")
    args = parser.parse_args()
    study: dict[str, Any] = {}
    for path in args.study:
        study |= json.loads(path.read_text())
    for title, lines in (
        ("mean gates", gate_table(study.get("gates", []))),
        ("counting gates", count_table(study.get("counts", []))),
        ("detectors", detector_table(study.get("detectors", []))),
        ("rules", rule_table(study.get("rules", []))),
    ):
        print(f"\n{title}\n")
        print("\n".join(lines))
    if args.svg:
        plot(study["rules"], args.svg)


def gate_table(cells: Sequence[dict[str, Any]]) -> list[str]:
    """Errors at the boundary, power and delay above it."""
    head = (
        "| gate | noise | false promotion | false rollback | passes at +.25 sd, median blocks | at +.5 sd |"
    )
    return [head, "|---|---|---|---|---|---|"] + [
        f"| {c['gate']} | {c['noise']} | {c['false_promotion']:.1f} | {c['false_rollback']:.1f} | "
        f"{_power(c, 'quarter')} | {_power(c, 'half')} |"
        for c in cells
    ]


def count_table(cells: Sequence[dict[str, Any]]) -> list[str]:
    """Errors at the boundary, power below it."""
    head = "| gate | data | false promotion | false rollback | passes at half the rate | at a quarter |"
    return [head, "|---|---|---|---|---|---|"] + [
        f"| {c['gate']} | {c['noise']} | {c['false_promotion']:.1f} | {c['false_rollback']:.1f} | "
        f"{_power(c, 'quarter')} | {_power(c, 'half')} |"
        for c in cells
    ]


def detector_table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """False alarms by noise, then delays."""
    quiet = [row for row in rows if "false_alarms" in row]
    noises = list(dict.fromkeys(row["noise"] for row in quiet))
    rates = {(row["detector"], row["noise"]): row["false_alarms"] for row in quiet}
    lines = ["| detector | " + " | ".join(noises) + " |", "|---" * (len(noises) + 1) + "|"]
    names = dict.fromkeys(row["detector"] for row in quiet)
    lines += [f"| {name} | " + " | ".join(f"{rates[name, n]:.1f}" for n in noises) + " |" for name in names]
    lines += [f"{row['detector']}: {row['median_delay']:.0f} blocks" for row in rows if "median_delay" in row]
    return lines


def rule_table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Promotions and rollbacks of every rule, per cent, by noise."""
    head = "| rule | noise | promote -.25 | promote 0 | roll back 0 | promote +.1 |"
    found = {(r["rule"], r["noise"], r["mean"]): r for r in rows}
    pairs = dict.fromkeys((r["rule"], r["noise"]) for r in sorted(rows, key=lambda r: r["noise"]))
    return [head, "|---|---|---|---|---|---|"] + [_rule_row(*pair, found) for pair in pairs]


def _rule_row(rule: str, noise: str, found: dict[tuple[str, str, float], dict[str, Any]]) -> str:
    worse, equal, better = (found[rule, noise, mean] for mean in (-0.25, 0.0, 0.1))
    rates = (worse["promote"], equal["promote"], equal["roll_back"], better["promote"])
    return f"| {rule} | {noise} | " + " | ".join(f"{rate:.1f}" for rate in rates) + " |"


def plot(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """One dot a rule and noise, one panel an error."""
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "gates", "font.size": 9})
    names = list(dict.fromkeys(row["rule"] for row in rows))[::-1]
    noises = list(dict.fromkeys(row["noise"] for row in rows))
    figure, axes = plt.subplots(1, len(PANELS), sharey=True, figsize=(9.5, 4.2), layout="constrained")
    for axis, (mean, rate, title) in zip(axes, PANELS, strict=True):
        for i, noise in enumerate(noises):
            some = [row for row in rows if row["noise"] == noise and row["mean"] == mean]
            heights = [names.index(row["rule"]) + 0.1 * (i - len(noises) / 2.0) for row in some]
            axis.plot([row[rate] for row in some], heights, "o", markersize=4, label=noise)
        axis.axvline(5.0, color="black", linewidth=0.8, linestyle="--")
        axis.set(title=title, xlabel="% of runs (dashed: 5 %)", xlim=(-3.0, 103.0))
        axis.set_yticks(range(len(names)), names)
        axis.grid(axis="x", alpha=0.3)
    figure.legend(
        *axes[-1].get_legend_handles_labels(), loc="outside lower center", ncols=len(noises), fontsize=8
    )
    figure.savefig(path, metadata={"Date": None})


def _power(cell: dict[str, Any], effect: str) -> str:
    delay = cell[f"delay_{effect}"]
    return f"{cell[f'power_{effect}']:.0f} %" + ("" if delay is None else f", {delay:.0f}")


if __name__ == "__main__":
    main()
