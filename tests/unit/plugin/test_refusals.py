"""What the API server says, as one line."""

from __future__ import annotations

import pytest

from quoting_operator.adapters.kube import KubeError
from quoting_operator.cli.plugin.cluster import passing, told

FORBIDDEN = 'killswitches.quoting.dev "all" is forbidden: '
RULE = "released only with the verb release"
BY_US = "ValidatingAdmissionPolicy 'quoting-x' with binding 'quoting-x' denied request: "
MISSING = 'quotingpolicies.quoting.dev "btc" not found'
INSTALL = "this cluster does not know our resources; install them: kubectl apply -k crds"


@pytest.mark.parametrize(
    ("status", "words", "line"),
    [
        (403, f"403: {FORBIDDEN}{BY_US}{RULE}", f"{FORBIDDEN}{RULE}"),
        (404, "404: 404 page not found\n", INSTALL),
        (404, f"404: {MISSING}", MISSING),
        (0, "the API server cannot be reached: x\ny", "the API server cannot be reached: x y"),
    ],
)
def test_a_refusal_is_told_in_the_servers_own_words(status: int, words: str, line: str) -> None:
    assert told(KubeError(status, words)) == line


@pytest.mark.parametrize(
    ("status", "may_pass"),
    [
        (0, True),
        (429, True),
        (500, True),
        (503, True),
        (401, False),
        (403, False),
        (404, False),
        (409, False),
    ],
)
def test_only_what_may_pass_is_waited_out(status: int, may_pass: bool) -> None:
    assert passing(KubeError(status, "x")) is may_pass
