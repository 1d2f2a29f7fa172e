"""What is written when the demonstration is over."""

from __future__ import annotations

from typing import Any

import pytest

from examples.demo import bundle, plots, summary
from examples.demo.play import ActRecord, Fact, Observation
from examples.demo.prometheus import Series, series

PHASE = {"at": "2026-01-01T00:00:05Z", "phase": "Canary", "message": "step 1"}


def status(phase: str, share: int, **more: Any) -> dict[str, Any]:
    return {"phase": phase, "effective": {"exposurePercent": share}, "history": [PHASE]} | more


def record(failure: str = "") -> ActRecord:
    return ActRecord(3, "a <dangerous> act", 10.0, 15.0, [Fact("seen & measured", 1.25)], failure)


def test_the_timeline_has_history_and_events_once_each_in_order_of_time() -> None:
    event = {
        "involvedObject": {"kind": "QuotingPolicy"}, "reason": "RolledBack", "message": "Breach",
        "lastTimestamp": "2026-01-01T00:00:01Z", "metadata": {},
    }  # fmt: skip
    other = event | {"involvedObject": {"kind": "Pod"}}
    seen = [Observation(1.0, status("Canary", 34)), Observation(2.0, status("Canary", 50))]
    assert [row["what"] for row in bundle.timeline(seen, [event, other])] == ["RolledBack", "Canary"]


def test_a_decision_is_kept_with_the_evidence_that_stood_before_it() -> None:
    gates = [{"name": "no-harm", "verdict": "Pass"}]
    seen = [
        Observation(1.0, status("Canary", 34)),
        Observation(2.0, status("Canary", 34, gates=gates)),
        Observation(3.0, status("Live", 66, gates=[])),
    ]
    (made,) = bundle.decisions(seen)
    assert made["inputs"]["gates"] == gates
    assert (made["from"]["phase"], made["to"]["phase"]) == ("Canary", "Live")


def test_bands_follow_each_other_until_the_end() -> None:
    found = plots.bands([(0.0, "Paper"), (1.0, "Paper"), (4.0, "Live")], 9.0)
    assert [(band.phase, band.start, band.end) for band in found] == [("Paper", 0.0, 4.0), ("Live", 4.0, 9.0)]


def test_the_figure_is_one_svg_element_also_without_data() -> None:
    lines = [Series("candidate", (1.0, 2.0), (0.1, 0.2))]
    figure = plots.timeline(plots.bands([(0.0, "Paper")], 9.0), [("act 1", 0.0)], {"pnl": lines}, 0.0)
    assert figure.startswith("<svg")
    assert "no data" in figure
    assert "candidate" in figure


def test_the_page_stands_alone_and_shows_acts_with_their_times() -> None:
    page = summary.page([record()], "<svg></svg>", [], ["acts.json"], [], [])
    for words in (
        "every assertion held",
        "a &lt;dangerous&gt; act",
        "seen &amp; measured",
        "1.25 s",
        "5.0 s",
    ):
        assert words in page
    assert "http" not in page
    assert "<script" not in page


def test_a_failed_act_and_what_is_missing_are_not_hidden() -> None:
    page = summary.page([record("not so")], "<svg></svg>", [], [], [], ["metric pnl: gone"])
    assert "1 of 1 acts failed" in page
    assert "not so" in page
    assert "metric pnl: gone" in page


def test_prometheus_answers_become_series_and_errors_are_told() -> None:
    result = [{"metric": {"arm": "candidate"}, "values": [[1, "2.5"]]}]
    assert series({"status": "success", "data": {"result": result}}) == [Series("candidate", (1.0,), (2.5,))]
    with pytest.raises(ValueError, match="too many"):
        series({"status": "error", "error": "too many"})
