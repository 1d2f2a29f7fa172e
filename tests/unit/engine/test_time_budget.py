"""A model's budget is processor time; the wall clock only saves looking at it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_policy.engine.time_budget import STALE_SHARE, TimeBudget, TimeBudgetError

ALLOWED_NS = 1_000_000


class Thread:
    """A thread that works, or has to wait for others."""

    def __init__(self) -> None:
        self.worked_ns = 0
        self.passed_ns = 0
        self.readings = 0
        self.budget = TimeBudget(ALLOWED_NS, self._stopwatch, lambda: self.passed_ns)

    def _stopwatch(self) -> int:
        self.readings += 1
        return self.worked_ns

    def work(self, elapsed_ns: int) -> None:
        self.worked_ns += elapsed_ns
        self.passed_ns += elapsed_ns

    def wait(self, elapsed_ns: int) -> None:
        self.passed_ns += elapsed_ns

    def quote(self, work_ns: int, wait_ns: int = 0) -> bool:
        """Whether the quote kept within the budget."""

        def answer(_state: object) -> str:
            self.work(work_ns)
            self.wait(wait_ns)
            return "quote"

        try:
            return self.budget.spend(answer, None, self.passed_ns) == "quote"
        except TimeBudgetError:
            return False


def test_a_quote_within_the_budget_is_let_through_and_one_beyond_is_not():
    assert Thread().quote(ALLOWED_NS)
    assert not Thread().quote(ALLOWED_NS + 1)


def test_a_busy_neighbour_is_not_the_models_fault():
    assert Thread().quote(ALLOWED_NS, wait_ns=100 * ALLOWED_NS)


def test_quotes_in_quick_succession_share_a_reading_of_the_processor_time():
    thread = Thread()
    for _ in range(100):
        assert thread.quote(100)
    assert thread.readings == 1


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3 * ALLOWED_NS), st.integers(0, ALLOWED_NS), st.integers(0, ALLOWED_NS // 10)
        ),
        max_size=20,
    )
)
def test_nobody_is_blamed_wrongly_and_what_is_let_off_is_small(quotes):
    thread = Thread()
    for work_ns, wait_ns, between_ns in quotes:
        kept = thread.quote(work_ns, wait_ns)
        if work_ns <= ALLOWED_NS:
            assert kept
        if work_ns > ALLOWED_NS + ALLOWED_NS // STALE_SHARE:
            assert not kept
        thread.wait(between_ns)


def test_a_model_at_work_beyond_its_budget_can_be_interrupted_and_no_other():
    thread = Thread()
    thread.budget.interrupt()

    def loop(_state):
        thread.work(ALLOWED_NS)
        thread.budget.interrupt()
        thread.work(1)
        thread.budget.interrupt()
        raise AssertionError("not interrupted")

    with pytest.raises(TimeBudgetError):
        thread.budget.spend(loop, None, thread.passed_ns)
    thread.budget.interrupt()
