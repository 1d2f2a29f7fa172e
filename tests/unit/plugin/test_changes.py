"""Differences of revisions, and the way back to an older one."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from quoting_operator.cli.plugin.changes import Change, arm_changes, camel, change_lines, changes, restored
from quoting_operator.cli.plugin.compare import numbered
from quoting_operator.cli.plugin.errors import PluginError
from quoting_operator.cli.plugin.style import Style
from quoting_operator.cli.plugin.undo import before, last_good, managed_by_argo_cd
from quoting_operator.rollout.revisions import StoredRevision
from quoting_policy.domain import ArmSpec, Limits, PortfolioLimits
from quoting_policy.errors import InputError
from tests.unit.plugin.policies import BASELINE_ONLY, DIGEST, REVISION, WRITTEN

REPLACE = msgspec.structs.replace


def limits(**values: float) -> Any:
    return REPLACE(REVISION, limits=Limits(**values))


def test_equal_revisions_do_not_differ() -> None:
    assert changes(REVISION, copy.deepcopy(REVISION)) == ()


def test_arms_come_first_and_parameters_one_by_one() -> None:
    candidate = ArmSpec(model="FixedSpread", params={"halfSpread": 3, "qty": 1, "skew": 2})
    found = changes(
        REVISION, REPLACE(REVISION, candidate=candidate, portfolio=PortfolioLimits(max_drawdown=9))
    )
    assert found == (
        Change("candidate.params.halfSpread", 4, 3),
        Change("candidate.params.skew", None, 2),
        Change("portfolio.max_drawdown", None, 9, "tighter"),
    )


def test_a_candidate_that_is_gone_is_shown_as_gone() -> None:
    fields = {change.field: (change.before, change.after) for change in changes(REVISION, BASELINE_ONLY)}
    assert fields["candidate.model"] == ("FixedSpread", None)


@pytest.mark.parametrize(
    ("one", "other", "note"),
    [
        ({"max_position": 4.0}, {"max_position": 3.0}, "tighter"),
        ({"max_position": 4.0}, {"max_position": 5.0}, "looser"),
        ({"max_position": 4.0}, {}, "looser"),
        ({}, {"max_position": 4.0}, "tighter"),
        ({"min_spread": 0.1}, {"min_spread": 0.2}, "tighter"),
        ({"min_spread": 0.2}, {"min_spread": 0.1}, "looser"),
        ({"reduce_only_at": 0.8}, {"reduce_only_at": 0.9}, "looser"),
    ],
)
def test_a_limit_says_whether_it_is_loosened(
    one: dict[str, float], other: dict[str, float], note: str
) -> None:
    assert [change.note for change in changes(limits(**one), limits(**other))] == [note]


def test_fields_are_named_as_resources_name_them() -> None:
    assert camel("limits.max_position") == "limits.maxPosition"
    assert camel("candidate.params.halfSpread") == "candidate.params.halfSpread"
    assert camel("instruments.BTC-USDT.tick_size") == "instruments.BTC-USDT.tickSize"


def test_a_change_is_one_line() -> None:
    (line,) = change_lines((Change("limits.max_position", 5, None, "looser"),), Style())
    assert line == "limits.maxPosition  5  →  -  looser"


def test_going_back_replaces_the_arms_that_differ_and_nothing_else() -> None:
    older = REPLACE(REVISION, candidate=ArmSpec(model="FixedSpread", params={"halfSpread": 6}))
    assert restored(WRITTEN, older.__class__(**{f: getattr(older, f) for f in older.__struct_fields__})) == [
        {"op": "test", "path": "/metadata/resourceVersion", "value": "812"},
        {
            "op": "add",
            "path": "/spec/candidate",
            "value": {"model": "FixedSpread", "params": {"halfSpread": 6}},
        },
    ]


def test_the_way_back_is_shown_also_from_a_spec_that_is_not_valid() -> None:
    spec = copy.deepcopy(WRITTEN["spec"])
    assert arm_changes(spec, REVISION) == ()
    spec["candidate"] = {"model": "FixedSpred", "params": {"halfSpread": -4.0, "qty": 1}}
    assert arm_changes(spec, REVISION) == (
        Change("candidate.model", "FixedSpred", "FixedSpread"),
        Change("candidate.params.halfSpread", -4, 4),
    )
    assert [change.after for change in arm_changes(spec, BASELINE_ONLY)] == [None, None, None]


def test_going_back_to_a_revision_without_candidate_takes_it_out() -> None:
    assert restored(WRITTEN, BASELINE_ONLY)[1:] == [{"op": "remove", "path": "/spec/candidate"}]


def test_weights_are_found_where_the_spec_has_them_or_the_way_back_is_refused() -> None:
    source = {"configMapKeyRef": {"name": "w", "key": "k"}, "sha256": "f" * 64}
    learned = ArmSpec(model="MLP", params={}, weights_sha256="f" * 64)
    policy = copy.deepcopy(WRITTEN)
    with pytest.raises(PluginError, match="weights ffffffffffff, and the spec does not say where"):
        restored(policy, REPLACE(REVISION, candidate=learned))
    policy["spec"]["baseline"]["weightsFrom"] = source
    patch = restored(policy, REPLACE(REVISION, candidate=learned))
    assert {"model": "MLP", "params": {}, "weightsFrom": source} in [step.get("value") for step in patch]


def test_secret_parameters_are_put_back_as_the_source_that_the_spec_has() -> None:
    source = {"secretKeyRef": {"name": "s", "key": "k"}, "sha256": "e" * 64}
    hidden = REPLACE(REVISION, candidate=ArmSpec(model="GLFT", params={}, params_sha256="e" * 64))
    policy = copy.deepcopy(WRITTEN)
    with pytest.raises(PluginError, match="secret parameters eeeeeeeeeeee, and the spec does not say where"):
        restored(policy, hidden)
    policy["spec"]["baseline"]["paramsFrom"] = source
    patch = restored(policy, hidden)
    assert {"model": "GLFT", "params": {}, "paramsFrom": source} in [step.get("value") for step in patch]
    assert "candidate.params_sha256" in [change.field for change in changes(REVISION, hidden)]


def stored(number: int) -> StoredRevision:
    digest = f"{number:x}" + DIGEST[1:]
    return StoredRevision(name=f"btc-{digest[:12]}", number=number, digest=digest, content=REVISION)


def test_a_revision_is_named_by_number_or_by_the_beginning_of_its_digest() -> None:
    kept = [stored(1), stored(2)]
    assert numbered(kept, "2") == kept[1]
    assert numbered(kept, kept[0].digest[:4]) == kept[0]
    with pytest.raises(InputError, match="'7' must be one of: 1"):
        numbered(kept, "7")


def test_the_revision_before_is_the_latest_older_one() -> None:
    kept = [stored(1), stored(3), stored(4)]
    assert before(kept[2], kept) == kept[1]
    with pytest.raises(PluginError, match="there is no revision before revision 1"):
        before(kept[0], kept)


def test_undo_goes_to_what_is_pinned_while_the_spec_asks_for_something_else() -> None:
    kept = [stored(1), stored(2)]
    assert last_good(WRITTEN["spec"], kept[1], kept) == kept[0]
    edited = {**WRITTEN["spec"], "candidate": {"model": "FixedSpread", "params": {"halfSpread": -1}}}
    assert last_good(edited, kept[1], kept) == kept[1]


def test_argo_cd_is_recognised_by_its_marks() -> None:
    assert not managed_by_argo_cd(WRITTEN)
    marked = copy.deepcopy(WRITTEN)
    marked["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": "desk:quoting.dev/QuotingPolicy"}
    assert managed_by_argo_cd(marked)
