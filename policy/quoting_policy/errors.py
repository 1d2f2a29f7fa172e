"""Errors that a user can act on."""

from __future__ import annotations

from typing import Any


class InputError(ValueError):
    """A value that the user gave is not usable; the message alone must be enough to mend it.

    The message reads ``<field>: <value> must be <allowed><; remedy>``, so that every bad input in the
    project says the same four things in the same order.
    """

    def __init__(self, field: str, value: Any, allowed: str, remedy: str = "") -> None:
        self.field = field
        self.value = value
        self.allowed = allowed
        self.remedy = remedy
        message = f"{field}: {_shown(value)} must be {allowed}" + (f"; {remedy}" if remedy else "")
        super().__init__(_one_line(message))


_LONGEST = 80


def _shown(value: Any) -> str:
    """The value, short enough for one line."""
    shown = repr(value)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


def _one_line(text: str) -> str:
    """The text with line breaks and other control characters, which a field's name may have, written out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
