"""Frames and messages are what docs/protocol.md says, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_policy.domain import MarketState
from quoting_policy.protocol import MAX_FRAME, FrameBuffer, FrameError, frame
from quoting_policy.protocol.messages import AppMessage, Ask, EngineMessage
from tests.unit.sidecar.messages import FROM_APP, FROM_ENGINE

GOLDEN = json.loads((Path(__file__).parent / "golden" / "frames.json").read_text())
EVERY = {**FROM_APP, **FROM_ENGINE}


@pytest.mark.parametrize("name", EVERY)
def test_a_message_is_written_as_its_golden_frame(name):
    assert frame(msgspec.msgpack.encode(EVERY[name])).hex() == GOLDEN[name]["hex"]


@pytest.mark.parametrize("name", EVERY)
def test_a_golden_frame_is_read_as_its_message(name):
    (payload,) = FrameBuffer().feed(bytes.fromhex(GOLDEN[name]["hex"]))
    kind = AppMessage if name in FROM_APP else EngineMessage
    assert msgspec.msgpack.decode(payload, type=kind) == EVERY[name]
    assert msgspec.msgpack.decode(payload) == GOLDEN[name]["content"]


def test_every_golden_frame_has_its_message():
    assert set(GOLDEN) == set(EVERY)


def test_the_document_shows_the_golden_frames():
    document = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text()
    for name in ("hello", "quote", "quoted", "mode", "mode of an instrument"):
        assert GOLDEN[name]["hex"] in document


def test_what_a_newer_peer_adds_at_the_end_is_ignored():
    longer = msgspec.msgpack.encode(["quote", 7, "X", {"mid": 1.0, "a_new_input": 3}, 5, "something new"])
    assert msgspec.msgpack.decode(longer, type=AppMessage) == Ask(7, "X", MarketState(mid=1.0), 5)


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=10), st.data())
def test_however_a_stream_is_chunked_the_same_payloads_come_out(payloads, data):
    stream, buffer, found = b"".join(frame(p) for p in payloads), FrameBuffer(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += buffer.feed(stream[:size])
        stream = stream[size:]
    assert found == payloads
    assert buffer.waiting == 0


@pytest.mark.parametrize("length", [0, MAX_FRAME + 1])
def test_an_impossible_length_is_refused(length):
    with pytest.raises(FrameError, match=str(MAX_FRAME)):
        list(FrameBuffer().feed(length.to_bytes(4, "big")))


def test_the_largest_frame_is_not_refused():
    assert list(FrameBuffer().feed(frame(b"x" * MAX_FRAME))) == [b"x" * MAX_FRAME]
