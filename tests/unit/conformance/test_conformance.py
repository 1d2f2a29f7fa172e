"""The proof of the clamps passes for sound engines under any limits, and fails for a broken one."""

from __future__ import annotations

import json
from decimal import Decimal
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from quoting_operator.cli.quoting import main
from quoting_policy.clamps import table
from quoting_policy.conformance import check
from quoting_policy.domain import (
    ArmSpec,
    BreachThresholds,
    Frozen,
    Instrument,
    Limits,
    PortfolioLimits,
    Revision,
    canonical_json,
)
from quoting_policy.domain.conformance import MOST_BYTES, ClampCount, ClampReport, decode, encode
from quoting_policy.domain.limits import Correlation
from quoting_policy.engine import policy as arms
from quoting_policy.errors import InputError

BTC = Instrument(symbol="BTC-USDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"), min_qty_lots=2)
ETH = Instrument(symbol="ETH-USDT", tick_size=Decimal("0.01"), lot_size=Decimal("0.01"))
EVERY = Limits(
    max_position=50, max_order_qty=10, max_notional=90, max_drawdown=5, max_daily_loss=4, max_order_rate=20,
    max_quote_rate=50, min_spread=0.2, max_spread=8, price_band=0.01, max_correlation=0.5,
    reduce_only_at=0.8, max_data_age=1,
)  # fmt: skip
TOGETHER = PortfolioLimits(
    max_gross_notional=500, max_drawdown=9, max_daily_loss=8,
    correlations=(Correlation("BTC-USDT", "ETH-USDT", 0.8),),
)  # fmt: skip


def revision(**changes) -> Revision:
    fields = {
        "baseline": ArmSpec(model="FixedSpread", params={"halfSpread": 0.3, "qty": 2}),
        "candidate": ArmSpec(model="AvellanedaStoikov", params={"gamma": 0.001, "qty": 2}),
        "instruments": (BTC, ETH),
        "limits": EVERY,
        "portfolio": TOGETHER,
    }
    return Revision(**(fields | changes))


def test_every_clamp_of_a_sound_revision_is_tried_binds_and_is_never_violated():
    report = check(revision(), decisions=1200)
    assert report.failures == ()
    assert report.passed
    assert set(report.clamps) >= {row.name for row in table.CLAMPS} - {"arm_budget", "uncrossed"}
    assert all(count.violated == 0 for count in report.clamps.values())
    needed = {row.name for row in table.CLAMPS if row.needs} | {"input", "post_only", "min_qty"}
    assert {name for name, count in report.clamps.items() if count.bound} >= needed
    assert report.digest == revision().digest()


# Unusable input is refused before the table, too. What has no limit of its own has no edge to be tried at.
@pytest.mark.parametrize(
    "name", sorted({row.name for row in table.CLAMPS} - {"input", "arm_budget", "uncrossed"})
)
def test_a_clamp_that_does_nothing_is_found_out(monkeypatch, name):
    broken = tuple(
        row._replace(act=lambda _draft, _now: False) if row.name == name else row for row in table.CLAMPS
    )
    monkeypatch.setattr(table, "CLAMPS", broken)
    report = check(revision(), decisions=1)
    assert not report.passed
    assert any(failure.startswith(name) for failure in report.failures)


def test_a_candidate_that_cannot_breach_is_found_out(monkeypatch):
    monkeypatch.setattr(arms, "raw_breaches", lambda *_: ())
    report = check(revision(), decisions=240)
    assert not report.passed
    assert {"raw_number: did not latch", "raw_size: did not latch", "raw_price: did not latch"} <= {
        failure.partition(" (")[0] for failure in report.failures
    }


def optional(values):
    return st.none() | values


sizes = st.integers(0, 60).map(float) | st.floats(0, 60)
any_limits = st.builds(
    Limits,
    max_position=optional(sizes),
    max_notional=optional(st.floats(0, 1e4)),
    max_order_qty=optional(sizes),
    max_drawdown=optional(st.just(0.0) | st.floats(1e-3, 1e6)),
    max_daily_loss=optional(st.just(0.0) | st.floats(1e-3, 1e6)),
    max_order_rate=optional(st.just(0.0) | st.floats(0.1, 50)),
    max_quote_rate=optional(st.just(0.0) | st.floats(0.1, 50)),
    min_spread=optional(st.floats(0, 20)),
    max_spread=optional(st.floats(0, 20)),
    price_band=optional(st.floats(0, 2)),
    reduce_only_at=optional(st.floats(0, 1.5)),
    max_data_age=optional(st.just(0.0) | st.floats(1e-3, 1e3)),
)


# Every example is a whole proof: to shrink a failure would take minutes and tell little more.
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(any_limits, st.sampled_from([BTC, ETH]), st.floats(1, 20))
def test_whatever_the_limits_a_sound_engine_passes(limits, instrument, multiple):
    thresholds = BreachThresholds(raw_price=multiple, raw_size=multiple)
    report = check(
        revision(limits=limits, instruments=(instrument,), portfolio=PortfolioLimits(), breach=thresholds),
        decisions=120,
    )
    assert report.failures == ()
    assert [name for name, count in report.clamps.items() if count.violated] == []


def test_equal_arguments_give_an_equal_report():
    assert check(revision(), decisions=240) == check(revision(), decisions=240)


def test_without_a_candidate_there_is_nothing_to_prove():
    with pytest.raises(InputError, match=r"revision\.candidate"):
        check(revision(candidate=None))


def test_a_report_of_the_largest_size_fits_into_a_termination_message():
    count = ClampCount(exercised=10**9, bound=10**9, violated=10**9)
    report = ClampReport(
        digest="a" * 64,
        decisions=10**9,
        clamps=dict.fromkeys(table.NAMES, count),
        failures=("x" * 500,) * 500,
    )
    message = encode(report)
    assert len(message) <= MOST_BYTES
    assert not decode(message).passed


@pytest.mark.parametrize(
    "report",
    [
        ClampReport(digest="a", decisions=0, clamps={"position": ClampCount()}),
        ClampReport(digest="a", decisions=9, clamps={}),
        ClampReport(digest="a", decisions=9, clamps={"position": ClampCount(violated=1)}),
        ClampReport(digest="a", decisions=9, clamps={"position": ClampCount(bound=1)}, failures=("no",)),
    ],
)
def test_nothing_tried_or_anything_wrong_is_no_pass(report):
    assert not report.passed
    assert report.summary


@pytest.mark.parametrize("message", [b"", b"{}", b"[1]", b"\xff", b'{"digest":"a","decisions":1,"clamps":{'])
def test_a_message_that_is_not_whole_is_refused(message):
    with pytest.raises(InputError):
        decode(message)


def test_the_command_leaves_its_findings_where_a_pod_does(tmp_path, capsys):
    path, log = tmp_path / "revision.json", tmp_path / "log"
    path.write_bytes(canonical_json(Frozen.of(revision())))
    digest = revision().digest()
    words = ["--revision", str(path), "--digest", digest, "--decisions", "120", "--termination-log", str(log)]
    assert main(["conformance", *words]) == 0
    assert decode(log.read_bytes()).passed
    assert json.loads(capsys.readouterr().out)["digest"] == digest


def test_the_command_refuses_another_revision(tmp_path, capsys):
    path = tmp_path / "revision.json"
    path.write_bytes(canonical_json(Frozen.of(revision())))
    assert main(["conformance", "--revision", str(path), "--digest", "b" * 64]) == 2
    assert "must be the revision bbbb" in capsys.readouterr().err


def test_the_pod_proves_arms_with_secret_parameters_and_says_none_of_them(tmp_path, capsys) -> None:
    secret = b"gamma: 0.0012345678"
    hidden = ArmSpec(model="AvellanedaStoikov", params={"qty": 2}, params_sha256=sha256(secret).hexdigest())
    path = tmp_path / "revision.json"
    path.write_bytes(canonical_json(Frozen.of(revision(candidate=hidden))))
    (tmp_path / "content").mkdir()
    words = ["conformance", f"--revision={path}", "--decisions=240", f"--content={tmp_path / 'content'}"]
    assert main(words) == 2
    assert "candidate.paramsFrom" in capsys.readouterr().err
    (tmp_path / "content" / "params.yaml").write_bytes(secret)
    assert main([*words, f"--termination-log={tmp_path / 'log'}"]) == 0
    assert decode((tmp_path / "log").read_bytes()).passed
    said = capsys.readouterr()
    assert "0012345678" not in said.out + said.err + (tmp_path / "log").read_text()
