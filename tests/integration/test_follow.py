"""Following a kind on a real API server: changes, large objects, and what happened while it was deaf."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from quoting_operator.adapters import kube as kubes
from quoting_operator.adapters.follow import Source, follow
from quoting_operator.adapters.kube import CONFIG_MAPS, connect
from quoting_operator.handlers.collection import Collection
from quoting_operator.handlers.store import Ear
from tests.conftest import Kube

pytestmark = pytest.mark.integration


class Followed:
    """Labelled ConfigMaps of a namespace, as last seen."""

    def __init__(self, namespace: str) -> None:
        self.source = Source(CONFIG_MAPS, namespace, labels="followed")
        self.collection = Collection(lambda _: None)
        self.ear = Ear(self.source, self.collection, asyncio.Event())

    def names(self) -> set[str]:
        return {item["metadata"]["name"] for item in self.collection.all()}

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[kubes.Kube]:
        async with connect() as kube:
            task = asyncio.create_task(follow(kube, self.source, self.ear))
            try:
                yield kube
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


async def becomes(question: Callable[[], bool], what: str) -> None:
    for _ in range(200):
        if question():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(what)


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"followed": "yes"}}, "data": data}


@pytest.fixture
def followed(control_plane: Kube, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Followed:
    monkeypatch.setenv("KUBECONFIG", str(control_plane.kubeconfig))
    return Followed(namespace)


async def test_what_comes_changes_and_goes_is_heard(followed: Followed, namespace: str) -> None:
    async with followed.listening() as kube:
        await becomes(lambda: not followed.ear.broken_by, "the first list")
        made = await kube.create(CONFIG_MAPS, namespace, config_map("one", a="1"))
        await becomes(lambda: followed.names() == {"one"}, "the new one")
        await kube.replace(CONFIG_MAPS, namespace, {**made, "data": {"a": "2"}})
        await becomes(lambda: followed.collection.all()[0]["data"] == {"a": "2"}, "the change")
        await kube.delete(CONFIG_MAPS, namespace, "one")
        await becomes(lambda: not followed.names(), "the deletion")


async def test_an_object_that_loses_its_label_is_lost(followed: Followed, namespace: str) -> None:
    async with followed.listening() as kube:
        made = await kube.create(CONFIG_MAPS, namespace, config_map("one"))
        await becomes(lambda: followed.names() == {"one"}, "the new one")
        made["metadata"]["labels"] = {}
        await kube.replace(CONFIG_MAPS, namespace, made)
        await becomes(lambda: not followed.names(), "the loss")


async def test_an_object_larger_than_a_line_of_http_is_heard(followed: Followed, namespace: str) -> None:
    async with followed.listening() as kube:
        await becomes(lambda: not followed.ear.broken_by, "the first list")
        await kube.create(CONFIG_MAPS, namespace, config_map("large", a="x" * 900_000))
        await becomes(lambda: followed.names() == {"large"}, "the large one")
        assert not followed.ear.broken_by


async def test_a_list_of_many_pages_is_read_whole(
    followed: Followed, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubes, "PAGE", 2)
    async with connect() as kube:
        for number in range(5):
            await kube.create(CONFIG_MAPS, namespace, config_map(f"n{number}"))
    async with followed.listening():
        await becomes(lambda: len(followed.names()) == 5, "all five")


async def test_what_was_deleted_while_nothing_was_heard_is_lost(followed: Followed, namespace: str) -> None:
    async with followed.listening() as kube:
        await kube.create(CONFIG_MAPS, namespace, config_map("gone"))
        await kube.create(CONFIG_MAPS, namespace, config_map("stays"))
        await becomes(lambda: followed.names() == {"gone", "stays"}, "both")
    async with connect() as kube:
        await kube.delete(CONFIG_MAPS, namespace, "gone")
    async with followed.listening():
        await becomes(lambda: followed.names() == {"stays"}, "the deletion")


async def test_a_kind_that_may_not_be_read_stays_unknown(followed: Followed) -> None:
    missing = Source(kubes.Kind("quoting.dev/v1alpha1", "nothings"))
    ear = Ear(missing, followed.collection, asyncio.Event())
    async with connect() as kube:
        task = asyncio.create_task(follow(kube, missing, ear))
        await becomes(lambda: ear.broken_by.startswith("404"), "the refusal")
        task.cancel()
    assert ear.deaf(0.0)
