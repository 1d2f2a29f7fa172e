"""`kubectl quoting VERB`: the plugin's entry. Only the verb that is asked for is loaded.

Exit status: 0 done; 1 the answer is no (refused, degraded, differs, errors found); 2 not settled yet; 3 it
could not be done, for which standard error has one line.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from quoting_operator.cli.plugin.errors import PluginError
from quoting_policy.errors import InputError

ERROR, INTERRUPTED = 3, 130
_HERE = "quoting_operator.cli.plugin"
VERBS = {
    "get": ("show", "a policy as a tree: what quotes, stage, gates, pods"),
    "list": ("show", "policies, a line each"),
    "status": ("show", "one line; exit status 0 live or baseline, 1 degraded, 2 progressing"),
    "promote": ("ask", "let the candidate go on from a step that waits for consent"),
    "pause": ("ask", "do not advance; guarding goes on"),
    "resume": ("ask", "advance again"),
    "abort": ("ask", "take the candidate out of the market and quarantine it"),
    "retry": ("ask", "begin a new attempt of the candidate"),
    "unquarantine": ("ask", "let a quarantined digest begin again"),
    "rehearse": ("ask", "rehearse a rollback once more, in shadow"),
    "attest": ("ask", "state that an exit criterion is met for the candidate"),
    "approve-baseline": ("ask", "let a content become the baseline that no rollout has proven"),
    "undo": ("undo", "put back the arms of an older revision"),
    "diff": ("compare", "what the spec wishes against what is pinned, or two revisions"),
    "kill": ("switches", "take candidates, or all quotes, out of the market"),
    "release": ("switches", "release a kill switch"),
    "report": ("report", "fetch the report of the paper stage"),
    "lint": ("lint", "check files without a cluster, by the API server's rules"),
    "completion": ("completion", "shell completion for bash, zsh or fish"),
}
"""Verb -> (module, one-line help)."""


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with an argument."""

    def error(self, message: str) -> NoReturn:
        self.exit(ERROR, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    verb = next((word for word in arguments if word in VERBS), "")
    try:
        args = parser(verb).parse_args(arguments)
        status: int = args.run(args)
    except (InputError, PluginError) as error:
        print(f"kubectl quoting {verb}: {error}", file=sys.stderr)
        return ERROR
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`kubectl quoting list | head`); keep the interpreter's last flush quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def parser(verb: str) -> argparse.ArgumentParser:
    """The parser, with the arguments of one verb."""
    whole = _Parser(prog="kubectl quoting", description="Rollouts of quoting policies: see, decide, stop.")
    verbs = whole.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, (module, summary) in VERBS.items():
        sub = verbs.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name == verb:
            loaded = importlib.import_module(f"{_HERE}.{module}")
            loaded.configure(sub, name)
            if name not in ("lint", "completion"):
                _connection(sub)
            sub.set_defaults(run=loaded.run)
    return whole


def _connection(sub: argparse.ArgumentParser) -> None:
    group = sub.add_argument_group("cluster")
    group.add_argument("-n", "--namespace", default="", help="instead of the context's")
    group.add_argument("--context", default="", help="of the kubeconfig, instead of the current one")
    group.add_argument("--kubeconfig", default="", metavar="FILE", help="instead of $KUBECONFIG")
    group.add_argument("--as", dest="user", default="", metavar="USER", help="act as this user")


if __name__ == "__main__":
    sys.exit(main())
