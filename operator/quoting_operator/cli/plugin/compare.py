"""`diff`: what the spec wishes for against what is pinned, or one revision against another."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from pydantic import ValidationError

from quoting_operator.adapters.kube import CONFIG_MAPS, Json
from quoting_operator.api.policy import PolicySpec
from quoting_operator.cli.plugin import screen
from quoting_operator.cli.plugin.changes import camel, change_lines, changes
from quoting_operator.cli.plugin.cluster import Cluster, connected
from quoting_operator.cli.plugin.errors import PluginError
from quoting_operator.cli.plugin.view import policy_view
from quoting_operator.cli.plugin.words import short
from quoting_operator.rollout.observed import Problem, first_error, risk_policy_ref
from quoting_operator.rollout.revisions import StoredRevision, wanted
from quoting_operator.rollout.risk import held_limits, read_risk_policy
from quoting_policy.domain import Revision
from quoting_policy.errors import InputError

DIFFERS = 1


def configure(parser: argparse.ArgumentParser, verb: str) -> None:
    """Add the arguments."""
    del verb
    add = parser.add_argument
    add("name", metavar="NAME", help="the policy")
    add("--from", dest="old", default="", metavar="N", help="a revision; left out: the one that is pinned")
    add("--to", dest="new", default="", metavar="N", help="a revision; left out: what the spec wishes for")
    add("-o", "--output", choices=("json", "yaml"), help="the changes as a list")


def run(args: argparse.Namespace) -> int:
    """Show the differences; 1 where there are any, as diff does."""
    return connected(args, _diff)


async def _diff(cluster: Cluster, args: argparse.Namespace) -> int:
    policy = await cluster.policy(args.name)
    stored = await cluster.revisions(policy)
    old = numbered(stored, args.old) if args.old else pinned(policy, stored)
    if args.new:
        new = numbered(stored, args.new)
        title, content, digest = named(new), new.content, new.digest
    else:
        content = await wish(cluster, policy)
        digest = content.digest()
        title = f"the spec, {short(digest)}"
    found = changes(old.content, content)
    if args.output:
        listed = [asdict(change) | {"field": camel(change.field)} for change in found]
        screen.dump({"from": old.digest, "to": digest, "changes": listed}, args.output)
    elif found:
        screen.show([f"{named(old)} → {title}", *change_lines(found, screen.style())])
    else:
        print(f"{named(old)} and {title} are the same")
    return DIFFERS if found else 0


async def wish(cluster: Cluster, policy: Json) -> Revision:
    """The revision that the spec asks for under the limits in force, as the operator works it out."""
    try:
        spec = PolicySpec.model_validate(policy["spec"])
    except ValidationError as error:
        raise PluginError(first_error(error, "spec")) from None
    ref = risk_policy_ref(policy)
    risk = None
    if ref is not None:
        risk = read_risk_policy(ref, await cluster.kube.get(CONFIG_MAPS, cluster.namespace, ref.name))
        if isinstance(risk, Problem):
            raise PluginError(risk.message)
    held = held_limits(spec, risk, policy_view(policy).status.effective_limits)
    return wanted(spec, held.everywhere, held.by_instrument, held.portfolio)


def pinned(policy: Json, stored: list[StoredRevision]) -> StoredRevision:
    """The revision that sidecars are to run."""
    effective = policy_view(policy).status.effective
    name = "" if effective is None else effective.revision
    found = next((revision for revision in stored if revision.name == name), None)
    if found is None:
        raise PluginError("no revision is pinned yet" if not name else f"revision {name} is gone or altered")
    return found


def numbered(stored: list[StoredRevision], text: str) -> StoredRevision:
    """The revision of this number, or whose name or digest begins so."""
    found = [r for r in stored if str(r.number) == text]
    found = found or [r for r in stored if r.name.startswith(text) or r.digest.startswith(text)]
    if len(found) != 1:
        there = ", ".join(f"{r.number} ({short(r.digest)})" for r in stored) or "none"
        raise InputError("revision", text, f"one of: {there}")
    return found[0]


def named(revision: StoredRevision) -> str:
    """A revision in words."""
    return f"revision {revision.number}, {short(revision.digest)}"
