"""Where output goes: a terminal that is drawn anew, or lines for a file."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import yaml

from quoting_operator.cli.plugin.style import Style

_HOME, _REST, _END_OF_LINE = "\x1b[H", "\x1b[J", "\x1b[K"
_CLEAR = "\x1b[2J"
REFRESH_S = 2.0
"""Seconds between two looks."""


def style() -> Style:
    """What standard output can show."""
    return Style.of(sys.stdout, os.environ)


def width() -> int:
    """Columns to wrap at; 0 where standard output is no terminal, so that lines stay whole."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def show(lines: Iterable[str]) -> None:
    """Print lines."""
    for line in lines:
        print(line)


def dump(value: Any, form: str) -> None:
    """Print a value as json or yaml."""
    if form == "json":
        print(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        print(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), end="")


async def watch(look: Callable[[], Awaitable[list[str]]], *, refresh_s: float = REFRESH_S) -> None:
    """Show what there is until interrupted: a terminal is drawn anew, anything else gets new lines only."""
    terminal = sys.stdout.isatty()
    if terminal:
        print(_CLEAR, end="")
    before: list[str] = []
    while True:
        lines = await look()
        if terminal:
            room = shutil.get_terminal_size().lines - 1
            print(
                _HOME + "".join(f"{line}{_END_OF_LINE}\n" for line in lines[:room]) + _REST,
                end="",
                flush=True,
            )
        elif lines != before:
            print("\n".join(lines), flush=True)
        before = lines
        await asyncio.sleep(refresh_s)


def ask(field: str, question: str) -> str:
    """What the user types, empty where nobody can be asked."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return ""
    print(f"{question} ({field}): ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()
