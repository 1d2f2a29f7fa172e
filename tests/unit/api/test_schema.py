"""Decimals, durations and the models' agreement with the engine's domain."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from quoting_operator.api.limits import Limits, Portfolio
from quoting_operator.api.policy import Breach, QuotingPolicy, Refresh
from quoting_operator.api.schema import Duration, Positive, duration_text, plain
from quoting_operator.api.status import PolicyStatus
from quoting_policy import domain
from tests.resources import POLICY, changed


@settings(deadline=None)
@given(st.decimals(min_value=0, max_value=10**9, places=6))
def test_a_decimal_survives_being_written_and_read(value: Decimal) -> None:
    assert Decimal(plain(value)) == value
    assert "E" not in plain(value)


@pytest.mark.parametrize(
    "text", ["0", "-1", "1e3", "NaN", "Infinity", "", " 1", "1.", ".5", 1, 0.1, True, None]
)
def test_only_plain_decimals_in_quotes_are_positive_decimals(text: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Positive).validate_python(text)


@settings(deadline=None)
@given(st.integers(min_value=1, max_value=9_999_999))
def test_a_duration_survives_being_written_and_read(seconds: int) -> None:
    value = timedelta(seconds=seconds)
    assert TypeAdapter(Duration).validate_python(duration_text(value)) == value


@pytest.mark.parametrize("text", ["0s", "1", "5", "1.5h", "-1s", "1w", "1h30m", "", None, 5])
def test_only_one_whole_number_and_one_unit_is_a_duration(text: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Duration).validate_python(text)


@pytest.mark.parametrize(
    ("model", "engine"),
    [
        (Limits, domain.Limits),
        (Portfolio, domain.PortfolioLimits),
        (Breach, domain.BreachThresholds),
        (Refresh, domain.RefreshRules),
    ],
)
def test_every_limit_of_the_engine_can_be_written(model: Any, engine: Any) -> None:
    assert set(model.model_fields) == set(engine.__struct_fields__)


def test_limits_reach_the_engine_unchanged() -> None:
    limits = Limits(**{name: Decimal("0.25") for name in Limits.model_fields})
    assert set(limits.to_domain().__struct_fields__) == set(Limits.model_fields)
    assert all(getattr(limits.to_domain(), name) == 0.25 for name in Limits.model_fields)
    assert Limits.from_domain(limits.to_domain()) == limits


def test_what_users_write_admits_no_unknown_field() -> None:
    with pytest.raises(ValidationError, match="maxPositon"):
        QuotingPolicy.model_validate(changed(POLICY, "spec.limits.maxPositon", "3"))


def test_a_status_of_a_newer_version_can_be_read() -> None:
    status = PolicyStatus.model_validate({"phase": "Live", "invention": 1})
    assert status.phase == "Live"
