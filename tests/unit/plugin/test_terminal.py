"""Colours, marks, wrapping and words."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_operator.cli.plugin.style import Style, Tone
from quoting_operator.cli.plugin.tree import Node, aligned, columns, cut, draw, wrapped
from quoting_operator.cli.plugin.words import duration, plural, short_age, signed


class Stream(io.StringIO):
    def __init__(self, encoding: str, terminal: bool) -> None:
        super().__init__()
        self._encoding, self._terminal = encoding, terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]  # StringIO has none
        return self._encoding

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(
    ("terminal", "environment", "coloured"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(
    terminal: bool, environment: Mapping[str, str], coloured: bool
) -> None:
    style = Style.of(Stream("utf-8", terminal), environment)
    assert ("\x1b[" in style.paint("Live", Tone.GOOD)) is coloured


def test_every_state_has_a_mark_of_its_own_without_colour() -> None:
    marked = [tone for tone in Tone if tone not in (Tone.STRONG, Tone.DIM)]
    for style in (Style(), Style(unicode=False)):
        marks = [style.mark(tone) for tone in marked]
        assert len(set(marks)) == len(marks)
        assert all(marks)


def test_a_terminal_that_knows_ascii_only_gets_ascii() -> None:
    style = Style.of(Stream("ascii", terminal=False), {})
    tree = Node("root", (Node("one", (Node("below"),)), Node("two")))
    "\n".join([*draw(tree, style), *(style.mark(tone) for tone in Tone)]).encode("ascii")


@given(st.text(alphabet="ab é", max_size=200), st.integers(20, 60))
def test_wrapping_loses_nothing_and_keeps_to_the_width(text: str, width: int) -> None:
    lines = wrapped(text, width, 4)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    longest = max((len(word) for word in text.split(" ")), default=0)
    assert all(len(line) <= max(width, longest + 4) for line in lines)


def test_colour_takes_no_room() -> None:
    style = Style(colour=True)
    painted = style.paint("a long phrase in red", Tone.BAD)
    assert columns(painted) == len("a long phrase in red")
    assert all(columns(line) <= 20 for line in wrapped(f"{painted} {painted}", 20, 2))
    rows = aligned([(style.paint("x", Tone.GOOD), "1"), ("longer", "2")])
    assert [columns(row) for row in rows] == [9, 9]


def test_a_line_is_cut_at_the_edge_of_the_terminal() -> None:
    line = f"{Style(colour=True).paint('Live', Tone.GOOD)} a message without colours"
    assert columns(cut(line, 15, Style())) == 15
    assert cut(line, 15, Style()).endswith(" a message…")
    assert cut("short", 15, Style()) == "short"


def test_a_tree_is_drawn_and_its_lines_wrapped_below_their_branch() -> None:
    tree = Node("root", (Node("some words that are long", (Node("leaf"),)), Node("last")))
    assert list(draw(tree, Style(), 23)) == [
        "root",
        "├─ some words that are",
        "│  │ long",
        "│  └─ leaf",
        "└─ last",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (45, "45 s"), (60, "1 min"), (3661, "1 h 1 min"), (7200, "2 h"), (93_780, "1 d 2 h"),
     (86_400 + 60, "1 d"), (-3, "0 s")],
)  # fmt: skip
def test_a_time_is_told_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_small_words() -> None:
    now = datetime(2026, 11, 27, tzinfo=UTC)
    assert short_age(now - timedelta(days=3, hours=4), now) == "3d"
    assert short_age(None, now) == "-"
    assert (plural(1, "block"), plural(2, "block")) == ("1 block", "2 blocks")
    assert (signed(0.12345), signed(-3.0), signed(None)) == ("+0.123", "-3", "?")
