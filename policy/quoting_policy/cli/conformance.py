"""`quoting conformance`: prove that the clamps of a frozen revision hold."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec

from quoting_policy.cli.pod_message import say
from quoting_policy.conformance import check
from quoting_policy.conformance.check import DECISIONS
from quoting_policy.domain import Frozen
from quoting_policy.domain.conformance import encode
from quoting_policy.errors import InputError
from quoting_policy.models.content import read_contents


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("--revision", type=Path, required=True, help="JSON: digest and revision, as it is stored")
    add("--digest", help="refuse a revision of any other digest")
    add("--content", type=Path, metavar="DIR", help="weights and secret parameters that the revision names")
    add("--decisions", type=int, default=DECISIONS, help="requests to make, beside those at the edges")
    add("--seed", type=int, default=0, help="of the requests")
    add("--termination-log", type=Path, metavar="PATH", help="where the findings go, at most 4 KiB")


def run(args: argparse.Namespace) -> int:
    """Try the clamps and tell what was found; 0 whatever that is, for it is in the message."""
    if args.decisions < 1:
        raise InputError("--decisions", args.decisions, ">= 1")
    try:
        frozen = msgspec.json.decode(args.revision.read_bytes(), type=Frozen)
    except OSError as error:
        raise InputError("--revision", str(args.revision), "a readable file", error.strerror or "") from None
    except (msgspec.DecodeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("--revision", str(args.revision), "a frozen revision", str(error)) from None
    if args.digest not in (None, frozen.digest):
        raise InputError("--revision", frozen.digest, f"the revision {args.digest}")
    contents = read_contents(args.content).only(frozen.revision.content())
    report = check(frozen.revision, decisions=args.decisions, seed=args.seed, contents=contents)
    say(encode(report), args.termination_log)
    return 0
