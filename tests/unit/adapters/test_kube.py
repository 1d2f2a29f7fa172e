"""The client's own parts: lines of a watch, whatever their length and however they are cut, and the proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_operator.adapters.kube import _lines, _proxy_of_environment


async def chunks(text: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(text), size):
        yield text[start : start + size]


@given(st.lists(st.binary().map(lambda b: b.replace(b"\n", b"")), max_size=5), st.integers(1, 9))
async def test_lines_come_whole_however_they_are_cut(lines: list[bytes], size: int) -> None:
    text = b"".join(line + b"\n" for line in lines)
    assert [line async for line in _lines(chunks(text, size))] == lines


async def test_a_line_that_was_not_finished_is_not_an_object() -> None:
    assert [line async for line in _lines(chunks(b'{"a":1}\n{"b":', 4))] == [b'{"a":1}']


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", ".svc,10.0.0.1")


@pytest.mark.usefixtures("proxied")
def test_a_proxy_of_the_environment_is_used() -> None:
    assert _proxy_of_environment("https://api.example:6443") == "http://proxy:3128"


@pytest.mark.usefixtures("proxied")
@pytest.mark.parametrize("server", ["https://10.0.0.1:443", "https://kubernetes.default.svc"])
def test_what_the_environment_says_needs_no_proxy_gets_none(server: str) -> None:
    assert _proxy_of_environment(server) is None
