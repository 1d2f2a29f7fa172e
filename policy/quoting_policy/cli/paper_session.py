"""`quoting paper-session`: what a pod of a paper Job runs."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from quoting_policy.cli.pod_message import say
from quoting_policy.domain.session import encode
from quoting_policy.errors import InputError
from quoting_policy.models.content import read_contents
from quoting_policy.paper.evaluate import evaluate
from quoting_policy.paper.inputs import bound_to, open_session, read_inputs


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("--inputs", type=Path, required=True, help="JSON that the operator wrote")
    add("--sha256", required=True, help="of the inputs; others are refused")
    add("--content", type=Path, metavar="DIR", help="weights and secret parameters that the revision names")
    add("--index", type=int, help="the session (default: JOB_COMPLETION_INDEX)")
    add("--termination-log", type=Path, metavar="PATH", help="where the evidence goes, at most 4 KiB")


def run(args: argparse.Namespace) -> int:
    """Replay the session and leave its evidence, whatever it says; 0."""
    inputs = read_inputs(args.inputs, args.sha256)
    index = args.index if args.index is not None else os.environ.get("JOB_COMPLETION_INDEX", "")
    if not str(index).isdecimal():
        raise InputError("--index", index, "a session's number", "or set JOB_COMPLETION_INDEX")
    with tempfile.TemporaryDirectory() as scratch:
        contents = read_contents(args.content).only(inputs.revision().revision.content())
        session, pairing = open_session(inputs, int(index), Path(scratch), contents)
        part = evaluate(session, pairing)
    say(encode(bound_to(part.evidence[0], inputs)), args.termination_log)
    return 0
