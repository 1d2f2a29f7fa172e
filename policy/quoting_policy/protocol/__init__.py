"""The wire between trading app, engine and agent: frames and messages (``docs/protocol.md``)."""

from quoting_policy.protocol.frames import MAX_CONTROL_FRAME, MAX_FRAME, FrameBuffer, FrameError, frame

__all__ = ["MAX_CONTROL_FRAME", "MAX_FRAME", "FrameBuffer", "FrameError", "frame"]
