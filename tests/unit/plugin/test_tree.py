"""What people see of a policy, in every state; the golden texts are what docs and eyes go by."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from quoting_operator.cli.plugin.policy_tree import policy_tree
from quoting_operator.cli.plugin.style import Style
from quoting_operator.cli.plugin.tree import columns, draw
from quoting_operator.cli.plugin.view import policy_view
from tests.conftest import REPOSITORY
from tests.unit.plugin.policies import DIGEST, NOW, PODS, POLICIES, revision

GOLDEN = Path(__file__).parent / "golden"
REWRITE = "QUOTING_REWRITE_GOLDEN"


PLAIN = Style()
SHOWN_DIGEST = "00d04f42ae1a"
"""Stands for the digest, which changes with the engine's version."""


def tree(name: str, style: Style = PLAIN, width: int = 0) -> str:
    view = policy_view(POLICIES[name], revision=revision(), pods=PODS)
    text = "\n".join(draw(policy_tree(view, NOW, style), style, width)) + "\n"
    return text.replace(DIGEST[:12], SHOWN_DIGEST)


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_is_shown_as_it_stands(name: str) -> None:
    golden = GOLDEN / f"{name.replace(' ', '_')}.txt"
    if os.environ.get(REWRITE):
        golden.write_text(tree(name))
    assert tree(name) == golden.read_text(), f"after a look at it: {REWRITE}=1 pytest {__file__}"


def test_every_golden_text_belongs_to_a_state() -> None:
    assert {path.stem.replace("_", " ") for path in GOLDEN.glob("*.txt")} == set(POLICIES)


def test_the_guide_shows_what_is_shown() -> None:
    guide = (REPOSITORY / "docs" / "kubectl-quoting.md").read_text()
    assert (GOLDEN / "canary.txt").read_text() in guide


def test_no_line_of_a_tree_is_wider_than_the_terminal() -> None:
    assert all(columns(line) <= 100 for name in POLICIES for line in tree(name, width=100).splitlines())


def test_a_tree_says_the_same_without_colours() -> None:
    coloured = Style(colour=True)
    for name in POLICIES:
        assert re.sub(r"\x1b\[[0-9]*m", "", tree(name, coloured)) == tree(name)
