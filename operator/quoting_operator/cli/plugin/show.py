"""`get`, `list` and `status`: what quotes, where each rollout stands, and whether all is well."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from quoting_operator.adapters.kube import Json, KubeError
from quoting_operator.cli.plugin import screen
from quoting_operator.cli.plugin.cluster import Cluster, connected, passing, told
from quoting_operator.cli.plugin.health import Health, health, tone
from quoting_operator.cli.plugin.listing import brief, listing
from quoting_operator.cli.plugin.policy_tree import policy_tree
from quoting_operator.cli.plugin.style import Tone
from quoting_operator.cli.plugin.tree import draw
from quoting_operator.cli.plugin.view import PolicyView, policy_view
from quoting_operator.cli.plugin.words import plural
from quoting_policy.errors import InputError

_LOOK_S = 0.5

Look = Callable[[], Awaitable[list[str]]]


def configure(parser: argparse.ArgumentParser, verb: str) -> None:
    """Add the arguments of one of the three."""
    add = parser.add_argument
    if verb == "status":
        add("name", metavar="NAME", help="the policy")
        add("-w", "--watch", action="store_true", help="wait until it is live or degraded")
        add("--timeout", type=float, default=0.0, metavar="S", help="of --watch, seconds; 0 is for ever")
    else:
        add("-A", "--all-namespaces", action="store_true", help="of every namespace")
        add("-l", "--selector", default="", help="only policies with these labels")
        add("-w", "--watch", action="store_true", help="go on until interrupted")
    if verb == "get":
        add("name", metavar="NAME", nargs="?", help="the policy; left out: all")
    add("-o", "--output", choices=("json", "yaml"), help="the objects themselves")


def run(args: argparse.Namespace) -> int:
    """Show what was asked for."""
    return connected(args, {"get": _get, "list": _list, "status": _status}[args.verb])


async def _get(cluster: Cluster, args: argparse.Namespace) -> int:
    if args.output:
        found = [await cluster.policy(args.name)] if args.name else await _found(cluster, args)
        screen.dump(_plain(found[0]) if args.name else _as_list(found), args.output)
        return 0

    async def views() -> list[PolicyView]:
        named = [await cluster.policy(args.name)] if args.name else await _found(cluster, args)
        return list(await asyncio.gather(*(cluster.view(policy) for policy in named)))

    return await _shown(cluster, args, views, _trees)


async def _list(cluster: Cluster, args: argparse.Namespace) -> int:
    if args.output:
        screen.dump(_as_list(await _found(cluster, args)), args.output)
        return 0

    async def views() -> list[PolicyView]:
        return [policy_view(policy) for policy in await _found(cluster, args)]

    def table(found: Sequence[PolicyView]) -> list[str]:
        spaces = args.all_namespaces
        return listing(found, screen.now(), screen.style(), namespaces=spaces, width=screen.width())

    return await _shown(cluster, args, views, table)


async def _status(cluster: Cluster, args: argparse.Namespace) -> int:
    if args.timeout < 0:
        raise InputError("--timeout", args.timeout, ">= 0", "0 waits for ever")
    until = time.monotonic() + args.timeout if args.timeout else float("inf")
    last = ""
    while True:
        try:
            view = policy_view(await cluster.policy(args.name))
        except KubeError as error:
            if not (args.watch and passing(error)) or time.monotonic() >= until:
                raise
            await asyncio.sleep(_LOOK_S)
            continue
        found, line = health(view), _status_line(view)
        if line != last and not args.output:
            print(line, flush=True)
        last = line
        if not args.watch or found is not Health.PROGRESSING or time.monotonic() >= until:
            break
        await asyncio.sleep(_LOOK_S)
    if args.output:
        screen.dump(_as_status(view, found), args.output)
    return int(found)


async def _shown(
    cluster: Cluster,
    args: argparse.Namespace,
    views: Callable[[], Awaitable[list[PolicyView]]],
    drawn: Callable[[Sequence[PolicyView]], list[str]],
) -> int:
    """Show policies once, or until interrupted: drawn anew on a terminal, line by line elsewhere."""

    async def look() -> list[str]:
        found = await views()
        return drawn(found) if found else [_none(cluster, args)]

    async def lines() -> list[str]:
        return [brief(view, screen.style()) for view in await views()]

    if not args.watch:
        screen.show(await look())
    elif screen.is_terminal():
        await screen.redraw(_going_on(look))
    else:
        await screen.tell_changes(_going_on(lines))
    return 0


def _going_on(look: Look) -> Look:
    """The look, which does not end where the API server does not answer for a while: what was seen stays."""
    seen: list[str] = []

    async def again() -> list[str]:
        nonlocal seen
        try:
            seen = await look()
        except KubeError as error:
            if not passing(error):
                raise
            return [*seen, f"{screen.style().mark(Tone.ODD)} not up to date: {told(error)}"]
        return seen

    return again


async def _found(cluster: Cluster, args: argparse.Namespace) -> list[Json]:
    return await cluster.policies(everywhere=args.all_namespaces, labels=args.selector)


def _trees(views: Sequence[PolicyView]) -> list[str]:
    style, now, width = screen.style(), screen.now(), screen.width()
    return [line for view in views for line in draw(policy_tree(view, now, style), style, width)]


def _none(cluster: Cluster, args: argparse.Namespace) -> str:
    where = "any namespace" if args.all_namespaces else f"namespace {cluster.namespace}"
    return f"no QuotingPolicies in {where}" + (f" with labels {args.selector}" if args.selector else "")


def _status_line(view: PolicyView) -> str:
    style, look = screen.style(), tone(view)
    if view.status.phase is None:
        return f"{style.mark(look)} {view.meta.name}: not seen by the operator yet"
    stale = view.meta.generation - view.status.observed_generation
    later = f" ({plural(stale, 'edit')} not judged yet)" if stale > 0 else ""
    phase = style.paint(view.status.phase.value, look)
    return f"{style.mark(look)} {view.meta.name}: {phase}: {view.status.message}{later}"


def _as_status(view: PolicyView, found: Health) -> Json:
    return {
        "namespace": view.meta.namespace,
        "name": view.meta.name,
        "health": found.name.capitalize(),
        "phase": view.status.phase.value if view.status.phase else "",
        "message": view.status.message,
        "exitStatus": int(found),
    }


def _as_list(items: list[Json]) -> Json:
    return {"apiVersion": "v1", "kind": "List", "items": [_plain(item) for item in items]}


def _plain(item: Json) -> Json:
    """An object without who manages which field, as kubectl shows it."""
    return {**item, "metadata": {k: v for k, v in item["metadata"].items() if k != "managedFields"}}
