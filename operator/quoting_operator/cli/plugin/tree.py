"""Drawing a tree of lines, wrapped to a width."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from quoting_operator.cli.plugin.style import Style, Tone

_CODES = re.compile(r"\x1b\[[0-9;]*m")
_NARROWEST = 20
_LABEL = 10


@dataclass(frozen=True, slots=True)
class Node:
    """A line and the lines below it. hang: columns by which its continuation is set in."""

    text: str
    children: tuple[Node, ...] = ()
    hang: int = 2


def section(label: str, text: str, style: Style, children: Iterable[Node] = ()) -> Node:
    """A labelled line; the texts of all of them stand under each other."""
    shown = style.paint(label, Tone.STRONG)
    line = f"{padded(shown, _LABEL)} {text}" if text else shown
    return Node(line, tuple(children), hang=_LABEL + 1)


def draw(root: Node, style: Style, width: int = 0) -> Iterator[str]:
    """The lines of a tree. width: columns of the terminal, 0 for lines as long as they are."""
    yield from wrapped(root.text, width, root.hang)
    yield from _below(root.children, "", style, width)


def wrapped(text: str, width: int, hang: int) -> list[str]:
    """The text in lines of at most so many columns; 0 is one line. Colours take no columns."""
    if width <= 0 or columns(text) <= width:
        return [text]
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line.strip() and columns(longer) > max(width, _NARROWEST):
            lines.append(line)
            line = " " * hang + word
        else:
            line = longer
    return [*lines, line]


def columns(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return len(_CODES.sub("", text))


def cut(text: str, width: int, style: Style) -> str:
    """The text, cut off where its end, which has no colours, would be beyond the width."""
    over = columns(text) - width
    if over <= 0:
        return text
    sign = "…" if style.unicode else "..."
    return text[: -over - len(sign)] + sign


def padded(text: str, width: int) -> str:
    """The text, filled up with spaces."""
    return text + " " * (width - columns(text))


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines whose cells stand under each other."""
    widths = [max(map(columns, cells)) for cells in zip(*rows, strict=True)]
    return [
        "  ".join(padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _below(children: Sequence[Node], before: str, style: Style, width: int) -> Iterator[str]:
    branch, last_branch, trunk = ("├─ ", "└─ ", "│  ") if style.unicode else ("|- ", "`- ", "|  ")
    for i, child in enumerate(children):
        last = i == len(children) - 1
        first, rest = (last_branch, "   ") if last else (branch, trunk)
        below = "" if not child.children else ("│ " if style.unicode else "| ")
        room = 0 if width <= 0 else max(width - len(before) - len(first), _NARROWEST)
        for k, line in enumerate(wrapped(child.text, room, child.hang)):
            shown = line if k == 0 or not below else below + line[len(below) :]
            yield before + (first if k == 0 else rest) + shown
        yield from _below(child.children, before + rest, style, width)
