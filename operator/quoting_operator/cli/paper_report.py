"""`quoting paper-report`: replay a paper Job's sessions once more, for the report that people read.

A replay gives the same bytes wherever it runs, so nobody has to carry parts from pod to pod, and what the
report shows is checked to be what the gates would say of it. It decides nothing: evidence is what the
sessions' own pods have said.
"""

from __future__ import annotations

import argparse
import gzip
import tempfile
from collections.abc import Sequence
from pathlib import Path

from quoting_operator.adapters.own_namespace import create_config_map
from quoting_operator.cli.paper import judged_result
from quoting_operator.gates import Stage, parse_gates
from quoting_policy.errors import InputError
from quoting_policy.models.content import Contents, read_contents
from quoting_policy.paper.evaluate import Pairing, Part
from quoting_policy.paper.inputs import Inputs, open_session, read_inputs
from quoting_policy.paper.report import write_report
from quoting_policy.paper.run import run_session
from quoting_policy.paper.sessions import Session

MOST_BYTES = 1_000_000
"""A ConfigMap holds 1 MiB; the rest is for its metadata."""

MOST_SESSIONS = 40
"""Sessions that are replayed for a report: more of them would say little more, and take long."""

REPORT_KEY = "report.html.gz"

Played = tuple[Session, Pairing, Part]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("--inputs", type=Path, required=True, help="JSON that the operator wrote")
    add("--sha256", required=True, help="of the inputs; others are refused")
    add("--content", type=Path, metavar="DIR", help="weights and secret parameters that the revision names")
    add("--out", type=Path, metavar="FILE", help="write the compressed report there and store nothing")


def run(args: argparse.Namespace) -> int:
    """Replay, write, compress, store; 0."""
    inputs = read_inputs(args.inputs, args.sha256)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        contents = read_contents(args.content).only(inputs.revision().revision.content())
        played = _replayed(inputs, folder, contents)
        packed, shown = _fitting(inputs, played, folder)
    if args.out is not None:
        args.out.write_bytes(packed)
    else:
        create_config_map(inputs.report, {REPORT_KEY: packed})
    where = args.out or f"ConfigMap {inputs.report.get('name')}"
    print(f"report of {shown} of {inputs.sessions} sessions: {len(packed)} bytes in {where}")
    return 0


def _replayed(inputs: Inputs, folder: Path, contents: Contents) -> list[Played]:
    """Sessions of the first one's instrument, evenly spread where there are more than a report takes.

    Money of several instruments does not add up to one picture, so a report is of one.
    """
    first, _ = open_session(inputs, 0, folder, contents)
    step = -(-inputs.sessions // MOST_SESSIONS)
    found = []
    for index in range(0, inputs.sessions, step):
        session, pairing = open_session(inputs, index, folder, contents)
        if session.recording.facts.symbol == first.recording.facts.symbol:
            part, _ = run_session(session, pairing, None)
            found.append((session, pairing, part))
    return found


def _fitting(inputs: Inputs, played: Sequence[Played], folder: Path) -> tuple[bytes, int]:
    """The compressed report, with fewer sessions where all of them are too large; how many it has."""
    while played:
        path = _written(inputs, played, folder)
        # No time in the archive: the same replay gives the same bytes.
        packed = gzip.compress(path.read_bytes(), mtime=0)
        if len(packed) <= MOST_BYTES:
            return packed, len(played)
        played = played[: len(played) // 2]
    raise InputError("report", "one session", f"at most {MOST_BYTES} bytes compressed", "use shorter ones")


def _written(inputs: Inputs, played: Sequence[Played], folder: Path) -> Path:
    sessions, pairings, parts = zip(*played, strict=True)
    gates = tuple(gate for gate in parse_gates(inputs.gates, "inputs.gates") if Stage.PAPER in gate.stages)
    pairing = pairings[0]
    result = judged_result(pairing, sessions, parts, gates, inputs.attempt)
    missing = inputs.sessions - len(sessions)
    note = f"Revision {inputs.revision().digest}, attempt {inputs.attempt}."
    if missing:
        note += (
            f" Shortened: {len(sessions)} of {inputs.sessions} sessions,"
            f" of {sessions[0].recording.facts.symbol};"
            " the gates below speak of these alone. The policy's status says what all of them decided."
        )
    return write_report(folder / "report", pairing, sessions, parts, result, note=note)
