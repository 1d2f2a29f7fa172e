"""`quoting`: the headless tool. Every subcommand is loaded only when it is asked for.

A subcommand is a module with ``configure(parser)``, which adds its arguments, and ``run(args) -> int``,
which does the work and returns the exit status. A user's mistake is an :class:`InputError`: one line on
standard error, exit status 2, never a traceback.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from quoting_policy.errors import InputError

COMMANDS = {
    "agent": ("quoting_policy.cli.agent", "feed an engine its revision, authority and kill state"),
    "calibrate": ("quoting_policy.cli.calibrate", "fit fill intensities to recorded trades"),
    "conformance": ("quoting_policy.cli.conformance", "prove that a revision's clamps hold"),
    "data": ("quoting_policy.cli.data", "inspect, convert and check recorded markets"),
    "engine": ("quoting_policy.cli.engine", "serve quotes over a Unix socket"),
    "gates": ("quoting_operator.cli.gates", "plan and run the statistical gates"),
    "models": ("quoting_policy.cli.models", "list quoting models, parameters, units, defaults"),
    "paper": ("quoting_operator.cli.paper", "compare policies on replayed markets"),
    "paper-report": ("quoting_operator.cli.paper_report", "make and store a paper Job's report, in a pod"),
    "paper-session": ("quoting_policy.cli.paper_session", "replay one session of a paper Job, in a pod"),
    "pod-agent": ("quoting_operator.cli.pod_agent", "feed an engine from the Kubernetes API, in a pod"),
    "quote": ("quoting_policy.cli.quote", "answer one quote request from standard input"),
    "simulate": ("quoting_policy.cli.simulate", "simulate a published model and its statistics"),
}
"""Subcommand -> (module, one-line help)."""


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with an argument, like every other bad input."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit status: 0 done, 2 bad input."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except InputError as error:
        print(f"quoting {arguments[0]}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader went away (`quoting models | head`); keep the interpreter's last flush quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _dispatch(arguments: list[str]) -> int:
    parser = _Parser(prog="quoting", description="Quoting policies without a cluster.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    chosen = next((word for word in arguments if word in COMMANDS), None)
    for name, (module, summary) in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary)
        if name == chosen:
            command = importlib.import_module(module)
            command.configure(subparser)
            subparser.set_defaults(run=command.run)
    options = parser.parse_args(arguments)
    status: int = options.run(options)
    return status


if __name__ == "__main__":
    sys.exit(main())
