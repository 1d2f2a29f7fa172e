"""`quoting data`: look at recorded markets, turn them into tapes, check tapes."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from quoting_policy.data.check import check, summary
from quoting_policy.data.loaders import LOADERS, read
from quoting_policy.data.source import BadRows
from quoting_policy.data.tape import Tape, load, save, verify
from quoting_policy.errors import InputError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of inspect, convert and check."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    inspect = verbs.add_parser("inspect", help="say what a recording or a tape holds")
    convert = verbs.add_parser("convert", help="write a recording as a tape")
    convert.add_argument("--out", required=True, type=Path, help="the tape to write, NAME.npz")
    checking = verbs.add_parser("check", help="play a tape once: checksums, order of time, crossed books")
    for verb in (inspect, convert, checking):
        verb.add_argument(
            "files", nargs="+", type=Path, help="one tape, or the raw files of one market, oldest first"
        )
        verb.add_argument(
            "--format", choices=sorted(LOADERS), help="format of raw files (default: by their names)"
        )
        verb.add_argument("--tick", default="", help="tick size, where the format doesn't carry it")
        verb.add_argument("--lot", default="", help="lot size, where the format doesn't carry it")
        verb.add_argument("--symbol", default="", help="symbol, where the file's name doesn't say it")
        verb.add_argument(
            "--bad-rows", choices=[p.value for p in BadRows], default=BadRows.REFUSE.value,
            help="refuse files with unusable rows, or count and drop those (default: refuse)",
        )  # fmt: skip
        verb.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Do it; returns 0, or 1 where a check finds the tape unfit."""
    return {"inspect": _inspect, "convert": _convert, "check": _check}[args.verb](args)


def _open(args: argparse.Namespace) -> Tape:
    if args.files[0].suffix == ".npz":
        if len(args.files) != 1:
            raise InputError("files", len(args.files), "one tape")
        return load(args.files[0])
    return read(
        args.files,
        form=args.format,
        bad_rows=BadRows(args.bad_rows),
        tick=args.tick,
        lot=args.lot,
        symbol=args.symbol,
    )


def _show(content: dict[str, Any], args: argparse.Namespace) -> None:
    if args.json:
        print(json.dumps(content, indent=1, default=str))
        return
    width = max(map(len, content))
    for name, value in content.items():
        text = ", ".join(f"{k}: {v}" for k, v in value.items()) if isinstance(value, dict) else value
        print(f"{name:<{width}}  {', '.join(map(str, text)) if isinstance(text, list | tuple) else text}")


def _inspect(args: argparse.Namespace) -> int:
    _show(summary(_open(args)), args)
    return 0


def _convert(args: argparse.Namespace) -> int:
    if args.out.suffix != ".npz":
        raise InputError("--out", str(args.out), "a name that ends in .npz")
    tape = _open(args)
    save(tape, args.out)
    _show(summary(tape) | {"tape": str(args.out)}, args)
    return 0


def _check(args: argparse.Namespace) -> int:
    tape = _open(args)
    if args.files[0].suffix == ".npz":
        verify(args.files[0])
    result = check(tape)
    faults = result.faults
    _show(asdict(result) | {"verdict": "; ".join(faults) or "fit for replay"}, args)
    return 1 if faults else 0
