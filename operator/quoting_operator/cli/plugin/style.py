"""Colours and marks. Every state has a word and a mark of its own, so that nothing hangs on colour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Self, TextIO


class Tone(Enum):
    """How something stands."""

    GOOD = ("32", "✓", "+")
    WAIT = ("33", "…", "~")
    BAD = ("31", "✗", "x")
    ODD = ("33", "!", "!")
    PLAIN = ("", "·", "-")
    STRONG = ("1", "", "")
    DIM = ("2", "", "")


@dataclass(frozen=True, slots=True)
class Style:
    """What a terminal can show."""

    colour: bool = False
    unicode: bool = True

    @classmethod
    def of(cls, stream: TextIO, environment: Mapping[str, str]) -> Self:
        """As a stream and the environment say; colours only on a terminal and never against NO_COLOR."""
        wanted = not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
        encoding = (stream.encoding or "").lower().replace("-", "")
        return cls(colour=wanted and stream.isatty(), unicode=encoding.startswith("utf"))

    def paint(self, text: str, tone: Tone) -> str:
        """The text in the tone's colour, word by word, so that it can be wrapped."""
        code = tone.value[0]
        if not (self.colour and code):
            return text
        return " ".join(f"\x1b[{code}m{word}\x1b[0m" if word else "" for word in text.split(" "))

    def mark(self, tone: Tone) -> str:
        """The tone's mark."""
        _, mark, ascii_mark = tone.value
        return self.paint(mark if self.unicode else ascii_mark, tone)
