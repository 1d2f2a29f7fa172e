"""`quoting paper` from end to end: result, report, one index of a Job, and mistakes."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from quoting_operator.cli.quoting import main
from quoting_policy.domain.session import MOST_BYTES, decode
from quoting_policy.paper import arm as arms
from tests.unit.paper.market import DESK, LEARNER, TIGHT, WIDE, market

PICTURES = (
    "Profit and loss", "Inventory", "Quoted spread", "Markout by horizon", "Exposure", "Clamps that bound",
    "Fill map", "Gate pnl", "Exploration of BidAskExp3",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("paper")
    market(folder)
    policies = {"baseline": TIGHT, "wide": WIDE, "learner": LEARNER}
    for name, policy in policies.items():
        content = policy.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))
    desk = DESK.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    (folder / "desk.yaml").write_text(yaml.safe_dump(desk))
    return folder


def command(folder, *candidates, sessions="2"):
    words = ["paper", "--baseline", str(folder / "baseline.yaml"), "--desk", str(folder / "desk.yaml")]
    words += ["--data", str(folder / "market.npz"), "--sessions", sessions, "--parts", str(folder / "parts")]
    for name in candidates or ("wide",):
        words += ["--candidate", str(folder / f"{name}.yaml")]
    return words


@pytest.fixture(scope="module")
def report(folder):
    assert main([*command(folder, "wide", "learner"), "--report", str(folder / "out"), "--json"]) == 0
    return (folder / "out" / "report.html").read_text()


def test_the_report_holds_every_part_in_one_file(report):
    for heading in ("Arms", "Gates", "Behaviour", "Exploration ledger", "Sessions and provenance"):
        assert f"<h2>{heading}</h2>" in report
    for picture in PICTURES:
        assert f"<h3>{picture}</h3>" in report
    assert not re.search(r'(src|href)="(?!data:)', report)
    assert "<script" not in report
    images = re.findall(r"<img [^>]*>", report)
    assert images
    assert all(re.search(r'alt="[^"]{20,}"', image) for image in images)


def test_the_same_run_writes_the_same_report(folder, report, capsys):
    assert main([*command(folder, "wide", "learner"), "--report", str(folder / "again")]) == 0
    assert (folder / "again" / "report.html").read_text() == report
    assert capsys.readouterr().err.count("was done") == 2


def test_json_has_a_decision_for_each_candidate(folder, report, capsys):
    assert main([*command(folder, "wide", "learner"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    wide, learner = result["candidates"]
    assert wide["decision"] in ("Hold", "Promote", "Rollback")
    assert learner["decision"] != "Promote"
    assert sum("explores" in reason for reason in learner["rejections"]) == 2
    assert set(result["performance"]) == {"baseline", "Wide", "BidAskExp3"}
    assert result["performance"]["baseline"]["fills"] > 10


def test_a_name_in_the_report_is_escaped(folder, tmp_path):
    content = yaml.safe_load((folder / "wide.yaml").read_text()) | {"name": "<b>bold</b>"}
    (folder / "escaped.yaml").write_text(yaml.safe_dump(content))
    assert main([*command(folder, "escaped"), "--report", str(tmp_path)]) == 0
    assert "<b>bold</b>" not in (tmp_path / "report.html").read_text()


def broken(monkeypatch, arm):
    step = arms.ArmRun._step

    def failing(self, now, state):
        if self.arm.value == arm and now > self.start_ns + 30_000_000_000:
            raise RuntimeError("out of memory")
        step(self, now, state)

    monkeypatch.setattr(arms.ArmRun, "_step", failing)


@pytest.mark.parametrize(("arm", "decision"), [("candidate", "Rollback"), ("baseline", "Hold")])
def test_a_crash_never_promotes_and_says_why(folder, tmp_path, monkeypatch, capsys, arm, decision):
    broken(monkeypatch, arm)
    gate = {
        "name": "always",
        "metric": "pnl",
        "kind": "guardrail",
        "margin": 1e6,
        "minBlocks": 2,
        "alpha": 0.4,
    }
    (tmp_path / "gates.yaml").write_text(yaml.safe_dump([gate]))
    words = [
        *command(folder, sessions="1"),
        "--parts",
        str(tmp_path),
        "--gates",
        str(tmp_path / "gates.yaml"),
    ]
    assert main([*words, "--json"]) == 0
    (candidate,) = json.loads(capsys.readouterr().out)["candidates"]
    assert candidate["decision"] == decision
    assert any(f"{arm} crashed: RuntimeError: out of memory" in reason for reason in candidate["rejections"])


@pytest.mark.parametrize("by_environment", [True, False])
def test_one_index_writes_its_evidence_to_the_termination_log(
    folder, tmp_path, monkeypatch, capsys, by_environment
):
    words = [*command(folder), "--termination-log", str(tmp_path / "log")]
    if by_environment:
        monkeypatch.setenv("JOB_COMPLETION_INDEX", "1")
    else:
        words += ["--index", "1"]
    assert main(words) == 0
    message = (tmp_path / "log").read_bytes()
    assert len(message) <= MOST_BYTES
    assert decode(message).index == 1
    assert json.loads(capsys.readouterr().out)["name"] == "SYN-1"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--sessions", "50"], "fewer"),
        (["--index", "7"], "[0, 1]"),
        (["--data", "nowhere.npz"], "tape"),
        (["--parallel", "0"], "--parallel"),
        (["--desk", "nowhere.yaml"], "readable"),
    ],
)
def test_a_mistake_is_one_line(folder, capsys, change, said):
    assert main([*command(folder), *change]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
