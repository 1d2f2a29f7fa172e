"""`undo`: put back the arms that an older revision has. It goes through the rollout's rules like any edit."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from quoting_operator.adapters.kube import QUOTING_POLICIES
from quoting_operator.cli.plugin import screen
from quoting_operator.cli.plugin.changes import arm_changes, change_lines, restored
from quoting_operator.cli.plugin.cluster import Cluster, connected
from quoting_operator.cli.plugin.compare import named, numbered, pinned
from quoting_operator.cli.plugin.errors import PluginError
from quoting_operator.cli.plugin.style import Tone
from quoting_operator.rollout.revisions import StoredRevision

_ARGO_CD = ("argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance")


def configure(parser: argparse.ArgumentParser, verb: str) -> None:
    """Add the arguments."""
    del verb
    add = parser.add_argument
    add("name", metavar="NAME", help="the policy")
    add(
        "--to-revision",
        default="",
        metavar="N",
        help="left out: the pinned one, or the one before it where the spec has its arms",
    )
    add("--dry-run", action="store_true", help="only say what would change")


def run(args: argparse.Namespace) -> int:
    """Put the arms back."""
    return connected(args, _undo)


async def _undo(cluster: Cluster, args: argparse.Namespace) -> int:
    policy = await cluster.policy(args.name)
    stored = await cluster.revisions(policy)
    if args.to_revision:
        target = numbered(stored, args.to_revision)
    else:
        target = last_good(policy["spec"], pinned(policy, stored), stored)
    patch = restored(policy, target.content)
    if len(patch) == 1:
        print(f"the spec has the arms of {named(target)} already")
        return 0
    style = screen.style()
    found = arm_changes(policy["spec"], target.content)
    screen.show([f"the spec → the arms of {named(target)}", *change_lines(found, style)])
    if managed_by_argo_cd(policy):
        print(f"{style.mark(Tone.ODD)} Argo CD manages this policy and may undo this: revert it in Git too")
    if args.dry_run:
        print("dry run: nothing is changed")
        return 0
    await cluster.kube.patch(QUOTING_POLICIES, cluster.namespace, args.name, patch)
    print(f"{style.mark(Tone.GOOD)} changed; it is judged like any edit: kubectl quoting get {args.name}")
    return 0


def last_good(
    spec: Mapping[str, Any], current: StoredRevision, stored: list[StoredRevision]
) -> StoredRevision:
    """Where `undo` goes: the pinned revision while the spec asks for other arms, else the one before it."""
    return current if arm_changes(spec, current.content) else before(current, stored)


def before(current: StoredRevision, stored: list[StoredRevision]) -> StoredRevision:
    """The latest revision before this one."""
    older = [revision for revision in stored if revision.number < current.number]
    if not older:
        raise PluginError(f"there is no revision before {named(current)}")
    return older[-1]


def managed_by_argo_cd(policy: Mapping[str, Any]) -> bool:
    """Whether Argo CD tracks the object."""
    metadata = policy["metadata"]
    marks = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    return any(key in marks for key in _ARGO_CD)
