"""Frames: a length of 4 bytes, big endian, then that many bytes of msgpack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

MAX_FRAME = 1 << 16
"""Largest payload between app and engine, bytes. A larger length is not this protocol."""

MAX_CONTROL_FRAME = 1 << 24
"""Largest payload between agent and engine, bytes: a revision may carry many instruments."""

_LENGTH = 4


class FrameError(ValueError):
    """The stream cannot be cut into frames any more; the connection has to be closed."""


def frame(payload: bytes) -> bytes:
    """One frame with this payload."""
    return len(payload).to_bytes(_LENGTH, "big") + payload


class FrameBuffer:
    """Cuts a byte stream into payloads, however it was chunked."""

    __slots__ = ("_largest", "_rest")

    def __init__(self, largest: int = MAX_FRAME) -> None:
        self._largest = largest
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterable[bytes]:
        """Payloads completed by this chunk; iterating raises FrameError at a frame of bad length."""
        length = len(chunk) - _LENGTH
        if (
            not self._rest
            and 0 < length <= self._largest
            and chunk[:_LENGTH] == length.to_bytes(_LENGTH, "big")
        ):
            return (chunk[_LENGTH:],)  # one whole frame, as nearly always
        return self._cut(chunk)

    def _cut(self, chunk: bytes) -> Iterator[bytes]:
        data = self._rest + chunk if self._rest else chunk
        start, end = 0, len(data)
        try:
            while end - start >= _LENGTH:
                length = int.from_bytes(data[start : start + _LENGTH], "big")
                if not 0 < length <= self._largest:
                    raise FrameError(f"frame of {length} bytes; allowed are 1 to {self._largest}")
                stop = start + _LENGTH + length
                if stop > end:
                    break
                payload = data[start + _LENGTH : stop]
                start = stop
                yield payload
        finally:
            self._rest = data[start:]

    @property
    def waiting(self) -> int:
        """Bytes of an unfinished frame."""
        return len(self._rest)
