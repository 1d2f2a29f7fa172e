"""tmix against what it stands for: the noncentral t likelihood ratio mixed over a half-normal prior."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from quoting_operator.gates import asymptotic, tmix
from quoting_operator.gates.tmix import MeanSums, mixing_variance

DATA = np.array([0.7, -0.2, 1.4, 0.1, 0.9, -1.1, 2.0, 0.3, 0.5, -0.4])
R2 = mixing_variance(0.05, 50.0)


def sums_of(values: np.ndarray | list[float]) -> MeanSums:
    sums = MeanSums()
    for value in values:
        sums = sums.plus(float(value))
    return sums


def quadrature(values: np.ndarray, d0: float, r2: float, *, two_sided: bool = False) -> float:
    """ln of the mixed likelihood ratio of the t statistic of values - d0."""
    y = values - d0
    n = len(y)
    t = math.sqrt(n) * y.mean() / y.std(ddof=1)

    def ratio(effect: float) -> float:
        prior = stats.norm.pdf(effect, scale=math.sqrt(r2)) * (1.0 if two_sided else 2.0)
        return float(prior * stats.nct.pdf(t, n - 1, math.sqrt(n) * effect) / stats.t.pdf(t, n - 1))

    low = -9.0 * math.sqrt(r2) if two_sided else 0.0
    value, _ = integrate.quad(ratio, low, 9.0 * math.sqrt(r2), epsabs=0.0, epsrel=1e-10, limit=400)
    return math.log(value)


@pytest.mark.parametrize("n", [2, 3, 5, 10])
@pytest.mark.parametrize("d0", [-0.5, 0.0, 0.4, 2.0])
def test_tmix_is_the_mixed_noncentral_t_likelihood_ratio(n: int, d0: float) -> None:
    values = DATA[:n]
    given_sums = tmix.tmix(n, float(values.sum()), float((values**2).sum()), d0, 0.05, 50.0)
    assert given_sums == pytest.approx(quadrature(values, d0, R2), abs=1e-6)
    assert tmix.ln_e(sums_of(values), d0, R2) == pytest.approx(given_sums, abs=1e-10)


@pytest.mark.parametrize("d0", [0.0, 0.4])
def test_without_the_factor_for_the_side_it_is_the_two_sided_martingale(d0: float) -> None:
    exact = quadrature(DATA, d0, R2, two_sided=True)
    assert tmix.ln_e_two_sided(sums_of(DATA), d0, R2) == pytest.approx(exact, abs=1e-6)


def test_both_sides_average_to_the_two_sided_martingale() -> None:
    sums = sums_of(DATA)
    both = 0.5 * (math.exp(tmix.ln_e(sums, 0.1, R2)) + math.exp(tmix.ln_e_against(sums, 0.1, R2)))
    assert math.log(both) == pytest.approx(tmix.ln_e_two_sided(sums, 0.1, R2), abs=1e-12)


@pytest.mark.parametrize("n", [2, 5, 20])
def test_on_gaussian_data_at_the_boundary_the_mean_of_e_is_one(n: int) -> None:
    """E depends on the t statistic only: integrate it against Student's density."""

    def weighted(t: float) -> float:
        s, q = math.sqrt(n) * t, n - 1 + t * t  # sums of a sample with variance 1
        return math.exp(tmix.tmix(n, s, q, 0.0)) * float(stats.t.pdf(t, n - 1))

    halves = [
        integrate.quad(weighted, *ends, epsrel=1e-9, limit=400)[0] for ends in ((-np.inf, 0), (0, np.inf))
    ]
    assert sum(halves) == pytest.approx(1.0, abs=1e-6)


def test_the_prior_variance_is_the_documented_one() -> None:
    assert pytest.approx(0.1266, abs=5e-5) == R2


def test_fewer_than_two_blocks_are_no_evidence() -> None:
    assert tmix.tmix(1, 3.0, 9.0, 0.0) == 0.0
    assert tmix.ln_e_against(sums_of([3.0]), 0.0, R2) == 0.0
    assert tmix.tmix(5, 0.0, 0.0, 0.0) < 0.0


def load_mutant(source: str) -> ModuleType:
    spec = importlib.util.spec_from_loader("mutant_tmix", loader=None)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__dict__["__name__"] = "quoting_operator.gates.tmix"
    exec(compile(source, "mutant", "exec"), module.__dict__)
    return module


@pytest.mark.parametrize(
    ("original", "mutant"),
    [
        ("d0 - self.shift)", "0.0 - self.shift)"),
        ("two_sided + ln_twice_student_t_cdf(sums.n, k, positive=s > 0.0)", "two_sided"),
        ("n * offset * offset", "0.0"),
        ("0.5 * n * math.log1p(-k)", "n * math.log1p(-k)"),
    ],
    ids=["without d0", "without 2 F_t", "squares not about d0", "twice the exponent"],
)
def test_mutants_of_the_formula_die(original: str, mutant: str) -> None:
    source = Path(tmix.__file__).read_text()
    assert source.count(original) >= 1
    broken = load_mutant(source.replace(original, mutant))
    sums = (len(DATA), float(DATA.sum()), float((DATA**2).sum()))
    errors = [abs(broken.tmix(*sums, d0) - quadrature(DATA, d0, R2)) for d0 in (-0.5, 0.4)]
    assert max(errors) > 0.01, "the quadrature test would not notice this mutant"


values = st.lists(st.floats(-100.0, 100.0), min_size=2, max_size=40)


@given(values=values, d0=st.floats(-50.0, 50.0))
def test_the_running_maximum_skips_nothing(values: list[float], d0: float) -> None:
    highest, seen = 0.0, MeanSums()
    for value in values:
        seen = seen.plus(value)
        highest = max(highest, tmix.ln_e(seen, d0, R2))
    raised, seen = 0.0, MeanSums()
    for value in values:
        seen = seen.plus(value)
        if seen.n >= 2:
            raised = tmix.raised(seen.n, *seen.about(d0), R2, raised)
    assert raised == highest


@given(values=values, d0=st.floats(-50.0, 50.0))
def test_evidence_falls_as_the_boundary_rises(values: list[float], d0: float) -> None:
    sums = sums_of(values)
    assert tmix.ln_e(sums, d0 + 1.0, R2) <= tmix.ln_e(sums, d0, R2) + 1e-9


def test_a_large_mean_costs_no_precision() -> None:
    near, far = sums_of(DATA), sums_of(DATA + 1e6)
    assert tmix.ln_e(far, 1e6, R2) == pytest.approx(tmix.ln_e(near, 0.0, R2), abs=1e-6)


def test_the_interval_holds_what_is_not_rejected() -> None:
    bounds = tmix.interval(sums_of(DATA), R2, 0.05, 0.05)
    assert bounds is not None
    for bound, evidence in zip(bounds, (tmix.ln_e, tmix.ln_e_against), strict=True):
        assert evidence(sums_of(DATA), bound, R2) == pytest.approx(math.log(20.0), abs=1e-6)
    assert bounds[0] < DATA.mean() < bounds[1]
    assert tmix.interval(sums_of(DATA[:2]), R2, 1e-6, 1e-6) is None


# gbstats 0.8.0, frequentist.tests.SequentialTwoSidedTTest.confidence_interval, with the tuning parameter that
# gives the r2 in the first column.
@pytest.mark.parametrize(
    ("r2", "n", "mean", "sd", "alpha", "published"),
    [
        (0.1587230920347513, 12, 0.3, 1.7, 0.05, (-1.31001831114317, 1.9100183111431701)),
        (0.1587230920347513, 200, -1.25, 0.4, 0.05, (-1.3384481446618457, -1.1615518553381543)),
        (0.023067482681430444, 1000, 0.02, 3.0, 0.01, (-0.3211090219327631, 0.3611090219327631)),
    ],
)
def test_the_displayed_interval_is_the_published_one(
    r2: float, n: int, mean: float, sd: float, alpha: float, published: tuple[float, float]
) -> None:
    sums = MeanSums(n, mean, 0.0, (n - 1) * sd**2)
    assert asymptotic.interval(sums, r2, alpha) == pytest.approx(published, rel=1e-12)


def test_the_one_sided_asymptotic_evidence_is_the_mixed_gaussian_likelihood_ratio() -> None:
    sums = sums_of(DATA)
    s, n, sd = float(DATA.sum()), len(DATA), float(DATA.std(ddof=1))

    def ratio(effect: float) -> float:
        prior = 2.0 * stats.norm.pdf(effect, scale=math.sqrt(R2))
        return float(prior * math.exp(effect * s / sd - 0.5 * n * effect * effect))

    value, _ = integrate.quad(ratio, 0.0, 10.0, epsabs=0.0, epsrel=1e-10)
    assert asymptotic.ln_e(sums, 0.0, R2) == pytest.approx(math.log(value), abs=1e-8)


def test_the_one_sided_bound_is_tighter_and_nothing_is_shown_too_early() -> None:
    sums = sums_of(DATA)
    assert asymptotic.radius(sums, R2, 0.05, one_sided=True) < asymptotic.radius(sums, R2, 0.05)
    assert asymptotic.interval(sums_of(DATA[:9]), R2, 0.05) is None
    assert asymptotic.radius(sums_of(DATA[:1]), R2, 0.05) == math.inf
