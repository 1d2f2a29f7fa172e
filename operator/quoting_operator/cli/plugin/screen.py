"""Where output goes: a terminal that is drawn anew, or lines for a file."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Never

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
    return shutil.get_terminal_size().columns if is_terminal() else 0


def is_terminal() -> bool:
    """Whether standard output is a terminal, which can be drawn anew."""
    return sys.stdout.isatty()


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


async def redraw(look: Callable[[], Awaitable[list[str]]], *, refresh_s: float = REFRESH_S) -> Never:
    """Show what there is on the terminal, and again, until interrupted."""
    print(_CLEAR, end="")
    while True:
        lines = await look()
        room = shutil.get_terminal_size().lines - 1
        shown = "".join(f"{line}{_END_OF_LINE}\n" for line in lines[:room])
        print(_HOME + shown + _REST, end="", flush=True)
        await asyncio.sleep(refresh_s)


async def tell_changes(look: Callable[[], Awaitable[list[str]]], *, refresh_s: float = REFRESH_S) -> Never:
    """Print each line that was not there before, with the time, until interrupted."""
    before: set[str] = set()
    while True:
        lines = await look()
        for line in lines:
            if line not in before:
                print(f"{now():%Y-%m-%dT%H:%M:%SZ} {line}", flush=True)
        before = set(lines)
        await asyncio.sleep(refresh_s)


def ask(field: str, question: str) -> str:
    """What the user types, empty where nobody can be asked."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return ""
    print(f"{question} ({field}): ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()
