"""The paper canary report: one self-contained HTML file, readable on screen and on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from quoting_policy.paper.desk import PolicyFile
from quoting_policy.paper.evaluate import Pairing, Part
from quoting_policy.paper.figures import Picture, ledger_picture, pictures, sequence_picture
from quoting_policy.paper.sessions import Session

FIGURES: tuple[tuple[str, str, str], ...] = (
    ("pnl", "P&L, money", "{:.4g}"),
    ("fees", "Fees, money", "{:.4g}"),
    ("sharpe", "Sharpe ratio, annualised", "{:.1f}"),
    ("sharpeError", "its standard error", "{:.1f}"),
    ("maxDrawdown", "Largest drawdown, money", "{:.4g}"),
    ("maxDrawdownShare", "of the capital at the limit", "{:.3%}"),
    ("fills", "Fills", "{:,}"),
    ("fillRate", "Fill rate, lots filled of lots sent", "{:.1%}"),
    ("spreadCapture", "Spread capture at the fill", "{:.1%}"),
    ("realised10s", "the same 10 s later", "{:.1%}"),
    ("turnoverPerDay", "Turnover a day, × capital", "{:.1f}"),
    ("meanPosition", "Mean |position|, of the limit", "{:.1%}"),
    ("excursionShare", "Time in excursion", "{:.1%}"),
    ("refusals", "Refused requests", "{:,}"),
    ("decisions", "Decisions", "{:,}"),
)
"""Figure of performance -> its name and how it is written."""


def write_report(
    folder: Path,
    pairing: Pairing,
    sessions: Sequence[Session],
    parts: Sequence[Part],
    result: Mapping[str, Any],
    note: str = "",
) -> Path:
    """Write ``report.html``; the same inputs give the same bytes. note: what the reader must know first."""
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["figure"] = _figure
    environment.filters["short"] = lambda value: "-" if value is None else f"{value:.4g}"
    template = environment.from_string(
        files("quoting_policy.paper").joinpath("report.html.j2").read_text("utf-8")
    )
    facts = sessions[0].recording.facts
    text = template.render(
        title=f"{_listed([p.label for p in pairing.candidates])} against {pairing.baseline.label}",
        market=f"{facts.symbol}, {facts.venue}",
        generated=facts.venue == "synthetic",
        note=note,
        pairing=pairing,
        policies=[("baseline", pairing.baseline), *((p.label, p) for p in pairing.candidates)],
        params=_params,
        result=result,
        blocks=sum(session.blocks for session in sessions),
        figures=FIGURES,
        pictures=pictures(sessions, parts, float(facts.qty_unit), pairing.desk.limits.get("maxPosition")),
        sequences={item["candidate"]: _sequences(item) for item in result["candidates"]},
        ledgers=_ledgers(pairing, parts),
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "report.html"
    partial = path.with_name("report.html.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
    return path


def _sequences(item: Mapping[str, Any]) -> list[Any]:
    return [
        sequence_picture(gate["name"], item["sequences"][gate["name"]], gate["pass_at"], gate["fail_at"])
        for gate in item["gates"]
        if len(item["sequences"][gate["name"]]) > 1
    ]


def _ledgers(pairing: Pairing, parts: Sequence[Part]) -> list[tuple[str, Picture, list[dict[str, Any]]]]:
    found = []
    for policy in pairing.candidates:
        accounts = [part.arms[policy.label].exploration for part in parts]
        accounts = [account for account in accounts if account]
        if accounts:
            found.append((policy.label, ledger_picture(policy.label, accounts), accounts))
    return found


def _params(policy: PolicyFile) -> str:
    return ", ".join(f"{name} {value}" for name, value in policy.params.items())


def _listed(names: Sequence[str]) -> str:
    """``A, B and C``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _figure(value: float | None, written: str) -> str:
    return "none" if value is None else written.format(value)
