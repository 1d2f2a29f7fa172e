"""`kill` and `release`: KillSwitches. Sidecars obey them by themselves, also while the operator is dead."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from typing import Any

from quoting_operator.adapters.kube import CONFLICT, KILL_SWITCHES, Json, KubeError
from quoting_operator.api.killswitch import KillSwitchSpec, LabelSelector, SwitchAction, SwitchSelector
from quoting_operator.api.schema import API_VERSION
from quoting_operator.cli.plugin import screen
from quoting_operator.cli.plugin.cluster import Cluster, connected
from quoting_operator.cli.plugin.errors import PluginError
from quoting_operator.cli.plugin.style import Tone
from quoting_operator.cli.plugin.words import plural
from quoting_policy.errors import InputError

EVERYTHING = "everything"
"""Name of the switch over all policies."""

_NAMED = 5


def configure(parser: argparse.ArgumentParser, verb: str) -> None:
    """Add the arguments of `kill` or `release`."""
    add = parser.add_argument
    if verb == "release":
        add("name", metavar="NAME", help="the KillSwitch, or the policy whose own it is")
        add("--reason", default="", help="why; needed, and put on record")
        return
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("name", metavar="NAME", nargs="?", help="the policy")
    what.add_argument(
        "--all", action="store_true", help="every policy of the cluster, or of the namespace that -n names"
    )
    what.add_argument(
        "-l",
        "--selector",
        default="",
        help="policies with these labels, everywhere or in the namespace that -n names",
    )
    add("--halt", action="store_true", help="nobody quotes; without it the baselines go on")
    add("--reason", default="", help="why; needed, and put on record")


def run(args: argparse.Namespace) -> int:
    """Engage or release."""
    return connected(args, {"kill": _kill, "release": _release}[args.verb])


async def _kill(cluster: Cluster, args: argparse.Namespace) -> int:
    name, selector = scope(args.name or "", args.selector, current=cluster.namespace, given=args.namespace)
    await _exists(cluster, args.name)
    action = SwitchAction.HALT if args.halt else SwitchAction.BASELINE
    reason = _reason(args, f"why stop {args.name or args.selector or EVERYTHING}?")
    spec = KillSwitchSpec(
        engaged=True, action=action, reason=await _signed(cluster, reason), selector=selector
    )
    body = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    engaged = await _engaged(cluster, name, body)
    style = screen.style()
    said = "nothing quotes" if engaged["spec"]["action"] == SwitchAction.HALT else "baselines quote"
    concerned = await _concerned(cluster, selector)
    print(f"{style.mark(Tone.ODD)} KillSwitch {name} is engaged: {said}; {concerned}")
    print(f"  to end it: kubectl quoting release {name} --reason ...")
    return 0


async def _exists(cluster: Cluster, policy: str | None) -> None:
    """Refuse a policy that does not exist. Who may stop the market need not be able to look at policies."""
    try:
        if policy:
            await cluster.policy(policy)
    except KubeError:
        return


async def _signed(cluster: Cluster, reason: str) -> str:
    """The reason with who gives it; that the name could not be asked for stops nothing."""
    try:
        return f"{reason} (by {await cluster.whoami()})"
    except KubeError:
        return reason


async def _engaged(cluster: Cluster, name: str, spec: Json) -> Json:
    """Create the switch, or engage the one that is there; one that is engaged is never weakened."""
    manifest = {
        "apiVersion": API_VERSION,
        "kind": "KillSwitch",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "kubectl-quoting"}},
        "spec": spec,
    }
    try:
        return await cluster.kube.create(KILL_SWITCHES, None, manifest)
    except KubeError as error:
        if error.status != CONFLICT:
            raise
    present = await cluster.kube.get(KILL_SWITCHES, None, name)
    if present is None:
        raise PluginError(f"KillSwitch {name} was deleted just now; try again")
    return await cluster.kube.replace(KILL_SWITCHES, None, stronger(present, spec))


def stronger(present: Mapping[str, Any], spec: Json) -> Json:
    """The switch that is there, engaged as asked, and no weaker than it is."""
    before = present["spec"]
    halts = before.get("engaged") and before.get("action") == SwitchAction.HALT
    return {**present, "spec": {**spec, "action": SwitchAction.HALT.value} if halts else spec}


def scope(policy: str, labels: str, *, current: str, given: str) -> tuple[str, SwitchSelector]:
    """Name and selector of the switch for a policy, for labels, or for everything.

    current: namespace of the policy. given: the one that was typed; others reach beyond the current one.
    """
    if policy:
        return f"{current}.{policy}", SwitchSelector(namespaces=(current,), names=(policy,))
    place, spaces = (f".{given}", (given,)) if given else ("", ())
    if not labels:
        return EVERYTHING + place, SwitchSelector(namespaces=spaces)
    pairs = [pair.split("=") for pair in labels.replace("==", "=").split(",")]
    if any(len(pair) != 2 or not all(pair) for pair in pairs):
        raise InputError("--selector", labels, "label=value, or more of them with commas")
    name = re.sub(r"[^a-z0-9.-]+", "-", labels.lower()).strip("-.")
    chosen = SwitchSelector(namespaces=spaces, policies=LabelSelector(match_labels=dict(pairs)))
    return f"labels.{name}{place}", chosen


async def _concerned(cluster: Cluster, selector: SwitchSelector) -> str:
    """Which policies a switch concerns; that they cannot be listed stops nothing."""
    try:
        found = await cluster.policies(everywhere=not selector.namespaces)
    except (KubeError, PluginError):
        return "which policies it concerns could not be read"
    names = [
        f"{p['metadata']['namespace']}/{p['metadata']['name']}"
        for p in found
        if selector.matches(
            p["metadata"]["namespace"], p["metadata"]["name"], p["metadata"].get("labels") or {}
        )
    ]
    shown = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    return f"it concerns {len(names)} {'policy' if len(names) == 1 else 'policies'}" + (
        f": {shown}" if names else ""
    )


async def _release(cluster: Cluster, args: argparse.Namespace) -> int:
    name, switch = await _switch(cluster, args.name)
    if not switch["spec"].get("engaged"):
        print(f"KillSwitch {name} is not engaged")
        return 0
    reason = _reason(args, f"why release {name}?")
    spec = {**switch["spec"], "engaged": False, "reason": await _signed(cluster, reason)}
    changed = {**switch, "spec": spec}
    await cluster.kube.replace(KILL_SWITCHES, None, changed)
    print(f"{screen.style().mark(Tone.GOOD)} KillSwitch {name} is released")
    return 0


async def _switch(cluster: Cluster, name: str) -> tuple[str, Json]:
    """The switch of this name, or of the policy of this name. Raises PluginError."""
    for candidate in (name, f"{cluster.namespace}.{name}"):
        found = await cluster.kube.get(KILL_SWITCHES, None, candidate)
        if found is not None:
            return candidate, found
    there, _ = await cluster.kube.list_all(KILL_SWITCHES)
    engaged = [s["metadata"]["name"] for s in there if s["spec"].get("engaged")]
    words = f"engaged: {', '.join(engaged)}" if engaged else f"none of {plural(len(there), 'switch')} engaged"
    raise PluginError(f"no KillSwitch {name}; {words}")


def _reason(args: argparse.Namespace, question: str) -> str:
    reason = " ".join((args.reason or screen.ask("--reason", question)).split())
    if not reason:
        raise InputError("--reason", args.reason, "given", f"{args.verb} is put on record: say why")
    return reason
