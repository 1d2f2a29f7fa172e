"""What is shown while the demonstration runs."""

from __future__ import annotations

import io
from typing import Any

import pytest

from examples.demo import venue_line, view
from examples.demo.screen import Screen
from examples.demo.venue_line import VenueLine

STATUS: dict[str, Any] = {
    "phase": "Canary",
    "stage": "Canary",
    "step": 1,
    "effective": {"arm": "Candidate", "exposurePercent": 50, "digest": "ab" * 32},
    "gates": [
        {
            "name": "no-harm", "verdict": "Continue", "blocks": 5, "estimate": 0.0123,
            "message": "5 of at least 8 blocks",
        }
    ],
}  # fmt: skip
LOG = """\
UserWarning: something else
1795229049.214 Active baseline 99.98 100.02 inventory 2 profit -0.25
1795229050.214 Active candidate 99.99 100.01 inventory -1 profit 0.50 (position)
1795229050.914 Reducing baseline - 100.02 inventory 3 profit 0.10 breach drawdown,position (drawdown)
1795229052.214 Halted nobody - - inventory 3 profit nan (killed)
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def app() -> VenueLine:
    return venue_line.read(LOG)[1]


def test_the_apps_lines_are_read_and_others_left_out() -> None:
    said = venue_line.read(LOG)
    assert [line.mode for line in said] == ["Active", "Active", "Reducing", "Halted"]
    assert (said[0].inventory, said[0].profit, said[0].breaches) == (2, -0.25, ())
    assert said[2].breaches == ("drawdown", "position")
    assert said[1].text.startswith("Active candidate")


def test_a_reaction_is_measured_by_the_apps_own_clock() -> None:
    said = venue_line.read(LOG)
    assert venue_line.seconds_to(said, 1795229050.0, mode="Halted") == pytest.approx(2.214)
    assert venue_line.seconds_to(said, 1795229053.0, mode="Halted") is None


def test_the_last_quote_of_an_arm_is_found() -> None:
    assert venue_line.last_of(venue_line.read(LOG), "candidate") == 1795229050.214
    assert venue_line.last_of([], "candidate") is None


def test_a_look_shows_where_things_stand_and_the_evidence() -> None:
    shown = "\n".join(view.lines(STATUS, app(), elapsed_s=12.3, width=200))
    for words in (
        "Canary",
        "step 2",
        "Candidate 50 %",
        "no-harm",
        "n=5",
        "5 of at least 8",
        "app: Active candidate",
    ):
        assert words in shown


def test_no_line_is_longer_than_the_terminal_is_wide() -> None:
    assert max(map(len, view.lines(STATUS, app(), elapsed_s=1.0, width=30))) == 30


def test_a_policy_without_a_status_can_be_shown() -> None:
    assert view.lines({}, None, elapsed_s=0.0, width=80) == ["     0.0 s  unknown"]


def test_a_terminal_is_redrawn_over_what_stands_there() -> None:
    screen = Screen(terminal := Terminal())
    screen.show(STATUS, None, 1.0)
    before = len(terminal.getvalue())
    screen.show(STATUS, None, 2.0)
    assert terminal.getvalue()[before:].startswith("\x1b[2A\x1b[J")


def test_elsewhere_only_changes_make_lines_until_some_time_has_passed() -> None:
    screen = Screen(out := io.StringIO())
    for elapsed_s in (1.0, 2.0, 3.0):
        screen.show(STATUS, None, elapsed_s)
    assert out.getvalue().count("Canary") == 1
    screen.show(STATUS | {"step": 0}, None, 4.0)
    screen.show(STATUS | {"step": 0}, None, 60.0)
    assert out.getvalue().count("Canary") == 3
    assert "\x1b" not in out.getvalue()
