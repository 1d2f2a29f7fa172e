"""The admission endpoint over HTTP: what it answers, and what it refuses to answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from quoting_operator.handlers.webhook import MOST_BYTES, PATH, application
from quoting_operator.injection.pod import Sidecar

POD = {"metadata": {"labels": {"quoting.dev/policy": "btc"}}, "spec": {"containers": [{"name": "app"}]}}
REVIEW = {"apiVersion": "admission.k8s.io/v1", "request": {"uid": "u", "object": POD}}


async def status(path: str, body: bytes) -> tuple[int, Any]:
    async with TestClient(TestServer(application(Sidecar(image="x")))) as client:
        response = await client.post(path, data=body)
        text = await response.text()
        return response.status, json.loads(text) if response.content_type == "application/json" else text


async def test_a_review_is_answered_under_its_own_id() -> None:
    code, answer = await status(PATH, json.dumps(REVIEW).encode())
    assert code == 200
    assert (answer["response"]["uid"], answer["response"]["allowed"]) == ("u", True)
    assert "patch" in answer["response"]


@pytest.mark.parametrize("path", ["/", "/pod", "/pods/", "/mutate"])
async def test_another_path_is_not_found_so_a_wrong_configuration_is_noticed(path: str) -> None:
    assert (await status(path, json.dumps(REVIEW).encode()))[0] == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"request": {}}', b"\xff\xfe"])
async def test_what_is_no_review_is_a_bad_request_and_no_admission(body: bytes) -> None:
    code, told = await status(PATH, body)
    assert code == 400
    assert "not a review of a pod" in told


async def test_an_oversized_review_is_refused() -> None:
    assert (await status(PATH, b"x" * (MOST_BYTES + 1)))[0] == 413
