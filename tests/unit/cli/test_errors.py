"""A user's mistake is told in one line, whatever the user wrote."""

from __future__ import annotations

import pytest

from quoting_policy.errors import InputError


@pytest.mark.parametrize("separator", ["\n", "\r", "\x0b", "\x1c", "\x85", "\u2028", "\x1b"])
def test_a_field_name_with_a_line_break_stays_on_one_line(separator: str) -> None:
    message = str(InputError(f"state.a{separator}b", "x", "left out"))
    assert message.splitlines() == [message]
    assert separator not in message


def test_the_fields_notation_is_left_as_it_is() -> None:
    assert (
        str(InputError("params.γ", -1, "≥ 0", "γ·σ² is a price"))
        == "params.γ: -1 must be ≥ 0; γ·σ² is a price"
    )
