"""Where the demonstration is watched: redrawn on a terminal, line by line elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any, TextIO

from examples.demo import view
from examples.demo.venue_line import VenueLine

EVERY_S = 15.0
"""Between two plain lines while nothing changes: evidence grows, and a log should show it."""


class Screen:
    """A terminal, or anything else that takes text."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._live = out, out.isatty()
        self._drawn: list[str] = []
        self._key: tuple[object, ...] = ()
        self._next_s = 0.0

    def say(self, text: str = "") -> None:
        """A line that stays."""
        self._out.write(view.redraw(self._drawn, [text]) if self._drawn else f"{text}\n")
        self._drawn = []
        self._out.flush()

    def show(self, status: Mapping[str, Any], app: VenueLine | None, elapsed_s: float) -> None:
        """Where things stand now. elapsed_s: since the demonstration began."""
        if self._live:
            now = view.lines(status, app, elapsed_s=elapsed_s, width=shutil.get_terminal_size().columns)
            self._out.write(view.redraw(self._drawn, now))
            self._drawn = now
        elif (key := view.plain_key(status)) != self._key or elapsed_s >= self._next_s:
            self._key, self._next_s = key, elapsed_s + EVERY_S
            self._out.write("\n".join(view.lines(status, app, elapsed_s=elapsed_s, width=160)) + "\n")
        self._out.flush()
