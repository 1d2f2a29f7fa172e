"""`quoting gates`: the documented example, every line by hand, and what a user may get wrong."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest
from scipy import special

from quoting_operator.cli.quoting import main

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "gates"
SPEC = "- {name: pnl, metric: pnl, kind: success, minBlocks: 2}\n"


@pytest.fixture
def gates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run `quoting gates run` on texts; gives (exit status, lines of stdout, stderr)."""

    def run(blocks: str | bytes, *options: str, spec: str = SPEC) -> tuple[int, list[str], str]:
        (tmp_path / "gates.yaml").write_text(spec)
        raw = blocks.encode() if isinstance(blocks, str) else blocks
        (tmp_path / "blocks.csv").write_bytes(raw)
        files = ["--spec", str(tmp_path / "gates.yaml"), "--blocks", str(tmp_path / "blocks.csv")]
        status = main(["gates", "run", *files, *options])
        said = capsys.readouterr()
        return status, said.out.splitlines(), said.err

    return run


def parsed(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]


def by_hand(differences: list[float], d0: float) -> float:
    """ln E+ straight from the formula of the docs, with scipy's t distribution."""
    n, y = len(differences), [d - d0 for d in differences]
    s, q = sum(y), sum(v * v for v in y)
    step = 2.0 * math.log(1.0 / (2.0 * 0.05))
    r2 = (step + math.log(1.0 + step)) / 50.0
    k = r2 * s * s / (q * (1.0 + n * r2))
    t = math.copysign(math.sqrt(n * k / (1.0 - k)), s)
    return float(math.log(2.0 * (1 + n * r2) ** -0.5 * (1 - k) ** (-n / 2) * special.stdtr(n, t)))


def test_the_documented_example_is_what_the_formula_gives(capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--spec", str(EXAMPLE / "gates.yaml"), "--blocks", str(EXAMPLE / "blocks.csv")]
    assert main(["gates", "run", *files, "--json"]) == 0
    lines = parsed(capsys.readouterr().out.splitlines())
    rows = list(csv.DictReader((EXAMPLE / "blocks.csv").open()))
    for gate, column, d0 in (("pnl", "pnl", 0.0), ("markout", "markout_1s", -0.2)):
        seen: list[float] = []
        for row, line in zip(rows, [line for line in lines if line["gate"] == gate], strict=True):
            if row[column] not in {"", "NaN"}:
                seen.append(float(row[column]))
            assert line["n"] == len(seen)
            assert line["estimate"] == pytest.approx(sum(seen) / len(seen))
            if len(seen) > 1:
                assert line["logEFor"] == pytest.approx(by_hand(seen, d0), abs=1e-9)
                assert line["logEAgainst"] == pytest.approx(by_hand([-d for d in seen], -d0), abs=1e-9)
    first = next(line["block"] for line in lines if line["gate"] == "pnl" and line["verdict"] == "Pass")
    assert first == 32


def test_the_documented_example_is_promoted_as_a_whole(capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--spec", str(EXAMPLE / "gates.yaml"), "--blocks", str(EXAMPLE / "blocks.csv")]
    assert main(["gates", "run", *files, "--summary", "--json"]) == 0
    (summary,) = parsed(capsys.readouterr().out.splitlines())
    assert (summary["verdict"], summary["decision"]) == ("Pass", "Promote")
    assert {gate["gate"]: gate["verdict"] for gate in summary["gates"]} == {
        "pnl": "Pass",
        "markout": "Pass",
        "latency": "Pass",
        "blind": "Continue",
    }


def test_every_block_has_a_line_with_the_promised_keys(gates: Any) -> None:
    status, lines, _ = gates("block,pnl\n1,0.5\n2,0.7\n", "--json")
    assert status == 0
    assert [line["block"] for line in parsed(lines)] == [1, 2]
    promised = {"n", "estimate", "lower", "upper", "logEFor", "logEAgainst", "verdict", "reason"}
    assert promised <= parsed(lines)[0].keys()


def test_missing_and_unusable_cells_reject_the_block_and_not_the_file(gates: Any) -> None:
    cells = ("0.5", "", "NaN", "inf", "candidate-missing", "0.25")
    status, lines, _ = gates("block,pnl\n" + "".join(f"{i},{c}\n" for i, c in enumerate(cells)), "--json")
    assert status == 0
    assert [line["n"] for line in parsed(lines)] == [1, 1, 1, 1, 1, 2]
    assert [line["verdict"] for line in parsed(lines)][-1] == "Inconclusive"
    assert "BothMissing" in parsed(lines)[1]["message"]
    assert "NotFinite" in parsed(lines)[2]["message"]


def test_old_and_repeated_blocks_change_nothing(gates: Any) -> None:
    _, lines, _ = gates("block,pnl\n1,0.5\n3,0.7\n2,100\n3,100\n4,0.1\n", "--json")
    found = parsed(lines)
    assert [line["n"] for line in found] == [1, 2, 2, 2, 3]
    assert [line["reason"] for line in found][2:4] == ["Duplicate", "Duplicate"]
    assert found[4]["estimate"] == pytest.approx(1.3 / 3.0)


@pytest.mark.parametrize("prefix", ["\ufeff", ""])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_byte_order_mark_crlf_spaces_and_blank_lines_are_fine(gates: Any, prefix: str, ending: str) -> None:
    text = prefix + ending.join(["block, pnl", "1, 0.5", "", " 2 ,0.7", ""])
    status, lines, _ = gates(text, "--json")
    assert status == 0
    assert [line["n"] for line in parsed(lines)] == [1, 2]


def test_streams_are_judged_each_on_its_own(gates: Any) -> None:
    rows = "".join(f"a,{i},{1 + 0.1 * (i % 3)}\nb,{i},{-1 - 0.1 * (i % 3)}\n" for i in range(30))
    status, lines, _ = gates("stream,block,pnl\n" + rows, "--summary", "--json")
    assert status == 0
    assert {line["stream"]: (line["verdict"], line["decision"]) for line in parsed(lines)} == {
        "a": ("Pass", "Promote"),
        "b": ("Fail", "Rollback"),
    }
    _, text, _ = gates("stream,block,pnl\n" + rows, "--summary")
    assert [line.split()[:2] for line in text] == [["a", "Pass"], ["b", "Fail"]]


def test_the_summary_says_what_the_last_line_says(gates: Any) -> None:
    blocks = "block,pnl\n" + "".join(f"{i},{math.sin(i) + 0.3:.3f}\n" for i in range(60))
    _, lines, _ = gates(blocks, "--json")
    _, (summary,), _ = gates(blocks, "--json", "--summary")
    last = parsed(lines)[-1]
    last.pop("block")
    assert json.loads(summary)["gates"] == [last]


def test_an_attempt_spends_less_alpha_and_a_stage_chooses_its_gates(gates: Any) -> None:
    spec = SPEC + "- {name: live, metric: pnl, kind: deterioration, stages: [live], maxGainPerBlock: 9}\n"
    rows = "block,pnl\n" + "".join(f"{i},{1 + 0.1 * (i % 3)}\n" for i in range(30))
    _, lines, _ = gates(rows, "--summary", "--json", "--attempt", "3", "--stage", "canary", spec=spec)
    (pnl,) = json.loads(lines[0])["gates"]
    assert f"{math.log(12 * 20):.2f}" in pnl["message"]
    _, lines, _ = gates(rows, "--summary", "--json", "--stage", "live", spec=spec)
    assert [gate["gate"] for gate in json.loads(lines[0])["gates"]] == ["live"]


def test_the_verdicts_own_interval_excludes_the_boundary_when_it_passes_now(gates: Any) -> None:
    blocks = "block,pnl\n" + "".join(f"{i},{1 + 0.5 * (i % 3)}\n" for i in range(30))
    _, lines, _ = gates(blocks, "--json", "--interval", "verdict")
    last = parsed(lines)[-1]
    assert last["lower"] > 0.0
    assert last["verdict"] == "Pass"


def test_metrics_with_several_horizons_need_a_column_each(gates: Any) -> None:
    spec = "".join(
        f"- {{name: m{h}, metric: markout, horizon: {h}, kind: guardrail, margin: 1}}\n" for h in ("1s", "5s")
    )
    status, _, error = gates("block,markout\n1,0.5\n", spec=spec)
    assert status == 2
    assert "markout_1s" in error
    status, lines, _ = gates("block,markout_1s,markout_5s\n1,0.5,0.7\n", "--json", spec=spec)
    assert [line["estimate"] for line in parsed(lines)] == [0.5, 0.7]


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ("", "block"),
        ("block,pnl\n", "no rows"),
        ("blok,pnl\n1,2\n", "'block' column"),
        ("block,profit\n1,2\n", "'pnl'"),
        ("block,pnl,pnl\n1,2,3\n", "named once"),
        ("block,pnl\n1,abc\n", "line 2 pnl"),
        ("block,pnl\n1,1_000\n", "a number"),
        ("block,pnl\n1,0,5\n", "3 cells"),
        ("block,pnl\n1\n", "1 cells"),
        ("block,pnl\none,2\n", "line 2 block"),
        ("block,pnl\n1.5,2\n", "a whole number"),
        ('block,pnl\n1,"2\n', "well-formed"),
        (b"block,pnl\n1,\xff\n", "UTF-8"),
    ],
)
def test_a_bad_file_is_one_clear_line_and_status_two(gates: Any, blocks: str | bytes, said: str) -> None:
    status, lines, error = gates(blocks, "--json")
    assert status == 2
    assert lines == []
    assert said in error
    assert error.count("\n") == 1
    assert error.startswith("quoting gates: ")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("", "gates: None"),
        ("- {name: a, metric: pnl, kind: guardrail}\n", "gates[0].margin"),
        ("- [", "YAML"),
        ("gates: 3\n", "gates: 3"),
        ("- {name: a, metric: pnl, kind: success, stages: [live]}\n", "--stage"),
    ],
)
def test_a_bad_spec_is_one_clear_line_and_status_two(gates: Any, spec: str, said: str) -> None:
    status, _, error = gates("block,pnl\n1,2\n", "--stage", "canary", spec=spec)
    assert status == 2
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("option", [("--attempt", "-1"), ("--rollback-alpha", "0")])
def test_a_bad_option_is_status_two(gates: Any, option: tuple[str, str]) -> None:
    status, _, error = gates("block,pnl\n1,2\n", *option)
    assert status == 2
    assert option[1].lstrip("-") in error


@pytest.mark.parametrize("missing", ["--spec", "--blocks"])
def test_a_file_that_is_not_there_is_named(
    missing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"--spec": str(EXAMPLE / "gates.yaml"), "--blocks": str(EXAMPLE / "blocks.csv")}
    files[missing] = str(tmp_path / "nowhere")
    assert main(["gates", "run", *[word for pair in files.items() for word in pair]]) == 2
    assert missing in capsys.readouterr().err


def plan(capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, Any]]:
    assert main(["gates", "plan", *options, "--json"]) == 0
    return parsed(capsys.readouterr().out.splitlines())


def test_a_plan_from_numbers_gives_the_documented_median(capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = plan(capsys, "--effect", "0.5", "--sd", "1")
    assert found["median"] == pytest.approx(31, abs=1)
    (margin,) = plan(capsys, "--effect", "0", "--sd", "1", "--margin", "0.5")
    assert margin["median"] == found["median"]
    (second,) = plan(capsys, "--effect", "0.5", "--sd", "1", "--attempt", "2")
    assert second["median"] > found["median"]


def test_a_plan_from_a_pilot_covers_every_gate_that_can_pass(capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--spec", str(EXAMPLE / "gates.yaml"), "--pilot", str(EXAMPLE / "blocks.csv")]
    found = plan(capsys, *files, "--effect", "pnl=1.0")
    assert [row["gate"] for row in found] == ["pnl", "markout", "latency"]
    assert found[0]["effect"] == 1.0
    assert found[1]["effect"] == 0.0
    assert found[2]["withoutAnyEvent"] == pytest.approx(330, abs=10)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--effect", "0.1"],
        ["--effect", "x", "--sd", "1"],
        ["--effect", "-0.1", "--sd", "1"],
        ["--effect", "0.1", "--sd", "0"],
        ["--effect", "0.1", "--sd", "1", "--margin", "-1"],
        ["--spec", str(EXAMPLE / "gates.yaml")],
        ["--spec", str(EXAMPLE / "gates.yaml"), "--pilot", str(EXAMPLE / "blocks.csv"), "--effect", "nope=1"],
    ],
)
def test_an_impossible_plan_is_status_two(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gates", "plan", *options]) == 2
    assert capsys.readouterr().err.count("\n") == 1
