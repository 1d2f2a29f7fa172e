"""Following a kind: list it, watch it, and list it again whenever the watch breaks off."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Never, Protocol

from quoting_operator.adapters.kube import GONE, Json, Kind, Kube, KubeError

log = logging.getLogger(__name__)

RETRY_S = 0.5
"""Seconds after which a broken watch is begun anew."""

WATCH_S = 60
"""Seconds after which the server ends a watch and we go on with another; jittered, not to end all at once.

Well before silence counts as a broken connection: Events, and kinds of which there has never been an object,
get no bookmarks.
"""


def whole(item: Json) -> Json:
    """All of an object."""
    return item


@dataclass(frozen=True, slots=True)
class Source:
    """What is followed: a kind, in one namespace or everywhere, and what is kept of each object."""

    kind: Kind
    namespace: str | None = None
    labels: str = ""
    fields: str = ""
    keep: Callable[[Json], Json] = whole


class Follower(Protocol):
    """Who is told."""

    def listed(self, items: list[Json], version: str) -> None:
        """Everything that there is at this version; whatever else was known is no more."""

    def changed(self, change: str, item: Json) -> None:
        """An object was ADDED, MODIFIED or DELETED."""

    def broken(self, error: KubeError) -> None:
        """From now until the next list nothing is heard."""


async def follow(kube: Kube, source: Source, follower: Follower) -> Never:
    """List and watch for ever."""
    kind = source.kind.plural
    while True:
        try:
            items, version = await list_kept(kube, source)
            follower.listed(items, version)
            while True:
                version = await _watch(kube, source, follower, version)
        except KubeError as error:
            # That nobody remembers so old a version happens to every quiet watch.
            log.log(logging.INFO if error.status == GONE else logging.WARNING, "%s: %s", kind, error)
            follower.broken(error)
            await asyncio.sleep(RETRY_S * random.uniform(0.5, 1.5))


async def list_kept(kube: Kube, source: Source) -> tuple[list[Json], str]:
    """Everything that there is, as it is kept, and the version from which it can be watched."""
    items: list[Json] = []
    version = ""
    pages = kube.pages(source.kind, source.namespace, labels=source.labels, fields=source.fields)
    async for page, version in pages:  # noqa: B007  it is the same beside every page
        items += map(source.keep, page)
    return items, version


async def _watch(kube: Kube, source: Source, follower: Follower, version: str) -> str:
    """Until the server ends it. Returns the version from which the next watch goes on."""
    changes = kube.watch(
        source.kind,
        source.namespace,
        version,
        labels=source.labels,
        fields=source.fields,
        seconds=round(WATCH_S * random.uniform(0.8, 1.2)),
    )
    async for change, item in changes:
        version = item["metadata"]["resourceVersion"]
        if change != "BOOKMARK":
            follower.changed(change, source.keep(item))
    return version
