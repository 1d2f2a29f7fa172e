"""What people see of a policy, in every state; the golden texts are what docs and eyes go by."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from quoting_operator.cli.plugin.policy_tree import policy_tree
from quoting_operator.cli.plugin.style import Style
from quoting_operator.cli.plugin.tree import draw
from quoting_operator.cli.plugin.view import policy_view
from tests.unit.plugin.policies import NOW, PODS, POLICIES, revision

GOLDEN = Path(__file__).parent / "golden"
REWRITE = "QUOTING_REWRITE_GOLDEN"


PLAIN = Style()


def tree(name: str, style: Style = PLAIN, width: int = 0) -> str:
    view = policy_view(POLICIES[name], revision=revision(), pods=PODS)
    return "\n".join(draw(policy_tree(view, NOW, style), style, width)) + "\n"


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_is_shown_as_it_stands(name: str) -> None:
    golden = GOLDEN / f"{name.replace(' ', '_')}.txt"
    if os.environ.get(REWRITE):
        golden.write_text(tree(name))
    assert tree(name) == golden.read_text(), f"after a look at it: {REWRITE}=1 pytest {__file__}"


def test_every_golden_text_belongs_to_a_state() -> None:
    assert {path.stem.replace("_", " ") for path in GOLDEN.glob("*.txt")} == set(POLICIES)
