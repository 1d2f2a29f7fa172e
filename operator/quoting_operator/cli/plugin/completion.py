"""Shell completion: scripts for a shell of its own, and the words that kubectl asks its plugins for."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from quoting_operator.cli.plugin.errors import PluginError
from quoting_operator.cli.plugin.main import VERBS, parser
from quoting_policy.errors import InputError

_NO_FILES = 4
"""What kubectl's completion calls ShellCompDirectiveNoFileComp; 0 lets the shell complete files."""

_BASH = """\
_kubectl_quoting() {
    local words
    mapfile -t words < <(kubectl_complete-quoting "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | grep -v '^:')
    mapfile -t COMPREPLY < <(compgen -W "${words[*]%%$'\\t'*}" -- "${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _kubectl_quoting kubectl-quoting
"""
_ZSH = """\
#compdef kubectl-quoting
_kubectl_quoting() {
    local -a found
    found=("${(@f)$(kubectl_complete-quoting "${(@)words[2,CURRENT]}" 2>/dev/null | grep -v '^:')}")
    found=("${(@)found//$'\\t'/:}")
    _describe 'kubectl quoting' found || _files
}
compdef _kubectl_quoting kubectl-quoting
"""
_FISH = """\
function __kubectl_quoting
    set -l given (commandline -opc) (commandline -ct)
    kubectl_complete-quoting $given[2..-1] 2>/dev/null | string match -v ':*'
end
complete -c kubectl-quoting -a '(__kubectl_quoting)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
_FILES = frozenset({"lint"})
_WITHOUT_NAME = frozenset({"list", "lint", "completion"})


def configure(sub: argparse.ArgumentParser, verb: str) -> None:
    """Add the arguments."""
    del verb
    sub.add_argument("shell", choices=SCRIPTS, help='for example: eval "$(kubectl quoting completion bash)"')


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    print(SCRIPTS[args.shell], end="")
    return 0


def complete(argv: Sequence[str] | None = None) -> int:
    """What kubectl runs as kubectl_complete-quoting: words with what they mean, then a directive."""
    given = list(sys.argv[1:] if argv is None else argv) or [""]
    for word, meaning in candidates(given):
        print(f"{word}\t{meaning}" if meaning else word)
    verb = next((word for word in given[:-1] if word in VERBS), "")
    print(f":{0 if verb in _FILES else _NO_FILES}")
    return 0


def candidates(given: Sequence[str]) -> list[tuple[str, str]]:
    """Words that can stand where the last of the given ones is begun, and what they mean."""
    *before, begun = given
    verb = next((word for word in before if word in VERBS), "")
    if not verb:
        found = [(name, summary) for name, (_, summary) in VERBS.items()]
    elif begun.startswith("-"):
        found = _options(verb)
    elif verb == "completion":
        found = [(shell, "") for shell in SCRIPTS]
    else:
        found = [(name, "") for name in ([] if verb in _WITHOUT_NAME else _names(verb, before))]
    return [(word, meaning) for word, meaning in found if word.startswith(begun)]


def _options(verb: str) -> list[tuple[str, str]]:
    subparsers = next(a for a in parser(verb)._actions if isinstance(a, argparse._SubParsersAction))  # noqa: SLF001  argparse tells them no other way
    actions = subparsers.choices[verb]._actions  # noqa: SLF001  argparse tells it nowhere else
    return [(option, action.help or "") for action in actions for option in action.option_strings[-1:]]


def _names(verb: str, before: Sequence[str]) -> list[str]:
    """Names of policies, or of engaged switches; none where the cluster does not answer."""
    from quoting_operator.cli.plugin.naming import names  # noqa: PLC0415  words need no cluster

    try:
        return asyncio.run(names(verb, before))
    except (PluginError, InputError, OSError):
        return []
