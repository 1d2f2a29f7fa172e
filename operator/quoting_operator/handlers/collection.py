"""Objects of one kind as last seen, and whether what is told about them is news."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

from quoting_operator.adapters.kube import Json


class PolicyKey(NamedTuple):
    """Which policy."""

    namespace: str
    name: str

    @classmethod
    def of(cls, body: Any) -> Self:
        """Of a QuotingPolicy."""
        return cls(body["metadata"]["namespace"], body["metadata"]["name"])


Owner = Callable[[Json], PolicyKey]
"""Which policy an object belongs to."""

Told = Callable[[tuple[Json, ...]], None]
"""Is called with the versions of an object that a pass may have seen and is to see: old, new, or both."""


def nobody(_item: Json) -> PolicyKey:
    """No policy."""
    return PolicyKey("", "")


def labelled(label: str) -> Owner:
    """The policy that the value of a label names."""

    def owner(item: Json) -> PolicyKey:
        metadata = item["metadata"]
        return PolicyKey(metadata["namespace"], (metadata.get("labels") or {}).get(label, ""))

    return owner


def version_of(item: Mapping[str, Any]) -> int:
    """The version of an object. Numbers since Kubernetes 1.35 says so: a greater one is newer."""
    return int(item["metadata"]["resourceVersion"])


class Collection:
    """Objects by namespace and name, and by the policy that they belong to.

    News may come in any order and more than once: of an object the newest version is kept. told is called for
    what differs from what was known, but for what we wrote ourselves.
    """

    def __init__(self, told: Told, owner: Owner = nobody) -> None:
        self._told = told
        self._owner = owner
        self._objects: dict[tuple[str, str], Json] = {}
        self._owned: dict[PolicyKey, dict[tuple[str, str], Json]] = {}
        self._gone: dict[tuple[str, str], int] = {}
        self._seen = 0

    def get(self, namespace: str, name: str) -> Json | None:
        """An object, None where there is none. namespace: empty for what has none."""
        return self._objects.get((namespace, name))

    def of(self, key: PolicyKey) -> tuple[Json, ...]:
        """What belongs to a policy."""
        return tuple(self._owned.get(key, {}).values())

    def all(self) -> tuple[Json, ...]:
        """Everything."""
        return tuple(self._objects.values())

    def __len__(self) -> int:
        return len(self._objects)

    def saw(self, item: Json) -> None:
        """An object as the API server tells of it."""
        self._seen = max(self._seen, version_of(item))
        self._take(item)

    def lost(self, item: Json) -> None:
        """An object was deleted, or is no longer selected."""
        self._seen = max(self._seen, version_of(item))
        self._gone.pop(_id(item), None)
        known = self._objects.get(_id(item))
        if known is not None and version_of(known) <= version_of(item):
            self._drop(known)
            self._told((known,))

    def answered(self, item: Json) -> None:
        """An object as the API server answered to a call of ours: no news when the watch tells it too.

        Something that is not known, and older than what the watch has told, has been deleted since.
        """
        if _id(item) in self._objects or version_of(item) > self._seen:
            self._take(item, news=False)

    def looked_up(self, item: Json) -> None:
        """An object as somebody who asked for it got it: known from now on, and no news to them."""
        self._take(item, news=False)

    def deleted(self, item: Mapping[str, Any]) -> None:
        """We have deleted what was seen as this: no news when the watch tells it too."""
        known = self._objects.get(_id(item))
        if known is not None and version_of(known) <= version_of(item):
            self._drop(known)
            self._gone[_id(item)] = version_of(item)

    def listed(self, items: list[Json], version: str, namespace: str | None) -> None:
        """Everything that there is at this version, in a namespace or everywhere."""
        self.lost_but(items, version, namespace)
        for name in [name for name in self._gone if namespace in (None, name[0])]:
            del self._gone[name]
        for item in items:
            self._take(item)
        self._seen = max(self._seen, int(version))

    def lost_but(self, items: Iterable[Json], version: str, namespace: str | None) -> None:
        """At this version there is nothing but these: what is known besides was deleted."""
        there = {_id(item) for item in items}
        for name, known in list(self._objects.items()):
            here = namespace is None or name[0] == namespace
            if here and name not in there and version_of(known) <= int(version):
                self._drop(known)
                self._told((known,))

    def _take(self, item: Json, *, news: bool = True) -> None:
        known = self._objects.get(_id(item))
        newest = self._gone.get(_id(item), 0) if known is None else version_of(known)
        if newest >= version_of(item):
            return
        if known is not None:
            self._drop(known)
        self._keep(item)
        if news and (known is None or self._differs(known, item)):
            self._told((item,) if known is None else (known, item))

    def _differs(self, known: Json, item: Json) -> bool:
        """Whether a pass could decide otherwise."""
        return unversioned(known) != unversioned(item)

    def _keep(self, item: Json) -> None:
        self._objects[_id(item)] = item
        self._owned.setdefault(self._owner(item), {})[_id(item)] = item

    def _drop(self, item: Json) -> None:
        del self._objects[_id(item)]
        key = self._owner(item)
        del self._owned[key][_id(item)]
        if not self._owned[key]:
            del self._owned[key]


class Policies(Collection):
    """QuotingPolicies. A status that we wrote is no news; one that somebody else wrote is."""

    def __init__(self, told: Told) -> None:
        super().__init__(told)
        self._writing: dict[PolicyKey, Json] = {}

    @contextmanager
    def writing(self, key: PolicyKey, status: Json) -> Iterator[None]:
        """While this status is being written: the watch may tell it before the answer comes."""
        self._writing[key] = status
        try:
            yield
        finally:
            del self._writing[key]

    def _differs(self, known: Json, item: Json) -> bool:
        if unversioned(known, "status") != unversioned(item, "status"):
            return True
        status = item.get("status")
        return bool(status != known.get("status") and status != self._writing.get(PolicyKey.of(item)))


class Leases(Collection):
    """Leases. That one was renewed is no news."""

    def _differs(self, known: Json, item: Json) -> bool:
        return unversioned(_unrenewed(known)) != unversioned(_unrenewed(item))


class Breaches(Collection):
    """Events of breaches: the last of each policy, as many as it takes to decide and no more."""

    MOST = 32

    def _keep(self, item: Json) -> None:
        super()._keep(item)
        owned = self._owned[self._owner(item)]
        if len(owned) > self.MOST:
            self._drop(_spare(list(owned.values())))


def unversioned(item: Json, *without: str) -> Json:
    """An object without its version, and without these parts."""
    metadata = {key: value for key, value in item["metadata"].items() if key != "resourceVersion"}
    return {**{key: value for key, value in item.items() if key not in without}, "metadata": metadata}


def _unrenewed(lease: Json) -> Json:
    return {**lease, "spec": {k: v for k, v in (lease.get("spec") or {}).items() if k != "renewTime"}}


def _id(item: Mapping[str, Any]) -> tuple[str, str]:
    metadata = item["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _spare(events: list[Json]) -> Json:
    """The oldest Event that says nothing which another one does not say too; else the oldest."""
    events.sort(key=version_of)
    said = [tuple(sorted((event["metadata"].get("annotations") or {}).items())) for event in events]
    return next((one for one, words in zip(events, said, strict=True) if said.count(words) > 1), events[0])
