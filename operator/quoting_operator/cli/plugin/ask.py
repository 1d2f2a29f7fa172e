"""The commands: each is written on the policy in the user's name, and the operator's answer is shown."""

from __future__ import annotations

import argparse
import asyncio
import time
import uuid
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from quoting_operator.adapters.kube import QUOTING_POLICIES, KubeError
from quoting_operator.api.command import Command, Verb
from quoting_operator.api.policy import Arm
from quoting_operator.api.status import CommandStatus
from quoting_operator.cli.plugin import screen
from quoting_operator.cli.plugin.cluster import Cluster, connected, passing
from quoting_operator.cli.plugin.style import Tone
from quoting_operator.cli.plugin.view import policy_view
from quoting_operator.cli.plugin.wording import answer_to, meant_digest, needs_reason, worded
from quoting_operator.cli.plugin.words import short
from quoting_operator.rollout.revisions import arm_digest, arm_of

REFUSED, NOT_ANSWERED = 1, 2
_LOOK_S = 0.2


def configure(parser: argparse.ArgumentParser, verb: str) -> None:
    """Add the arguments of a command."""
    asked = Verb(verb)
    add = parser.add_argument
    add("name", metavar="NAME", help="the policy")
    needed = "needed" if needs_reason(asked) else "optional"
    add("--reason", default="", help=f"why; {needed}, and put on record")
    if asked is Verb.UNQUARANTINE:
        add("--digest", default="", help="which, where more than one is quarantined; its beginning will do")
    elif asked is Verb.APPROVE_BASELINE:
        add("--digest", default="", help="sha256 of the content; left out: that of spec.baseline")
    elif asked not in (Verb.PAUSE, Verb.RESUME):
        add("--digest", default="", help="the candidate that is meant; refused if it is another by now")
    if asked is Verb.ATTEST:
        add("--criterion", default="", help="exit criterion of the ImplementationSpec")
    add("--wait", type=float, default=10.0, metavar="S", help="for the answer, seconds (default: 10)")
    add("--no-wait", action="store_true", help="do not wait for the answer")


def run(args: argparse.Namespace) -> int:
    """Ask, and show the answer."""
    return connected(args, _ask)


async def _ask(cluster: Cluster, args: argparse.Namespace) -> int:
    verb = Verb(args.verb)
    reason = args.reason
    if needs_reason(verb) and not reason.strip():
        reason = screen.ask("--reason", f"why {verb} {args.name}?")
    policy, by = await asyncio.gather(cluster.policy(args.name), cluster.whoami())
    status = policy_view(policy).status
    digest = meant_digest(verb, getattr(args, "digest", ""), status, baseline=_baseline(policy))
    command = worded(
        verb,
        identity=uuid.uuid4().hex,
        by=by,
        reason=reason,
        digest=digest,
        criterion=getattr(args, "criterion", ""),
    )
    await cluster.kube.merge(
        QUOTING_POLICIES, cluster.namespace, args.name, {"metadata": {"annotations": command.annotations()}}
    )
    if args.no_wait:
        print(f"asked: {_what(command, args.name)}; the answer will be in kubectl quoting get {args.name}")
        return 0
    answer = await _answer(cluster, args.name, command, args.wait)
    return _told(command, args.name, answer, args.wait)


def _baseline(policy: Mapping[str, Any]) -> str:
    """sha256 of what spec.baseline has; empty where it cannot be read."""
    try:
        return arm_digest(arm_of(Arm.model_validate(policy["spec"]["baseline"])))
    except (ValidationError, KeyError):
        return ""


async def _answer(cluster: Cluster, name: str, command: Command, wait_s: float) -> CommandStatus | None:
    until = time.monotonic() + wait_s
    while True:
        answer = await _answered(cluster, name, command)
        if answer is not None or time.monotonic() >= until:
            return answer
        await asyncio.sleep(_LOOK_S)


async def _answered(cluster: Cluster, name: str, command: Command) -> CommandStatus | None:
    """The answer if there is one by now. The command is written: a moment without the server ends nothing."""
    try:
        return answer_to(command, policy_view(await cluster.policy(name)).status)
    except KubeError as error:
        if not passing(error):
            raise
        return None


def _told(command: Command, name: str, answer: CommandStatus | None, wait_s: float) -> int:
    style = screen.style()
    what = _what(command, name)
    if answer is None:
        late = f"asked, and not answered within {wait_s:g} s; does the operator run?"
        print(f"{style.mark(Tone.ODD)} {what}: {late}")
        return NOT_ANSWERED
    if not answer.done:
        print(f"{style.mark(Tone.BAD)} {what}: refused: {answer.message}")
        return REFUSED
    print(f"{style.mark(Tone.GOOD)} {what}: {answer.message}")
    return 0


def _what(command: Command, name: str) -> str:
    about = f" {short(command.digest)}" if command.digest else ""
    return f"{command.verb} {name}{about} by {command.by}"
