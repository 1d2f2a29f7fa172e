"""The formats that can be read, and how one is told from another."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from quoting_policy.data.binance_history import load_binance_history
from quoting_policy.data.binance_ws import load_binance_ws
from quoting_policy.data.bitstamp import load_bitstamp
from quoting_policy.data.hyperliquid import load_hyperliquid
from quoting_policy.data.lobster import load_lobster
from quoting_policy.data.source import BadRows, Intake
from quoting_policy.data.sse import load_sse
from quoting_policy.data.tape import Tape
from quoting_policy.errors import InputError


class Loader(Protocol):
    """Reads files of one format into a tape; options it doesn't know are ignored."""

    def __call__(self, paths: list[Path], intake: Intake, **options: str) -> Tape:
        """Read the files."""
        ...


LOADERS: dict[str, Loader] = {
    "sse": load_sse,
    "binance-ws": load_binance_ws,
    "bitstamp": load_bitstamp,
    "hyperliquid": load_hyperliquid,
    "lobster": load_lobster,
    "binance-history": load_binance_history,
}
"""Name of a format -> its loader."""

_MARKS = (
    ("_l3.csv", "sse"), ("usdm_", "binance-ws"), ("orders_", "bitstamp"), ("orderbooks_", "hyperliquid"),
    ("_message_", "lobster"), ("-trades-", "binance-history"), ("-bookTicker-", "binance-history"),
)  # fmt: skip


def recognise(paths: list[Path]) -> str:
    """The format that the first file's name speaks of; raises InputError where it speaks of none."""
    for mark, name in _MARKS:
        if mark in paths[0].name:
            return name
    raise InputError("format", paths[0].name, f"one of {', '.join(LOADERS)}", "name it with --format")


def read(
    paths: list[Path], *, form: str | None = None, bad_rows: BadRows = BadRows.REFUSE, **options: str
) -> Tape:
    """Read recorded files into a tape. form: a key of :data:`LOADERS`, None to go by the file's name."""
    name = form or recognise(paths)
    if name not in LOADERS:
        raise InputError("format", name, f"one of {', '.join(LOADERS)}")
    return LOADERS[name](paths, Intake(bad_rows), **{k: v for k, v in options.items() if v})
