"""`quoting calibrate fills`: recovers what made the data, and says which row is bad."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from quoting_operator.cli.quoting import main


def recorded(path: Path, *, intensity: float, k: float, seconds: float, sides: bool = False) -> Path:
    """Trades that arrive at rate A with exponential depths."""
    rng = np.random.default_rng(3)
    count = rng.poisson(intensity * seconds)
    times = np.sort(rng.uniform(0, seconds, count))
    depths = rng.exponential(1 / k, count)
    header = "time,depth,side" if sides else "time,depth"
    rows = [
        f"{t!r},{d!r}" + ((",bid" if i % 2 else ",ask") if sides else "")
        for i, (t, d) in enumerate(zip(times.tolist(), depths.tolist(), strict=True))
    ]
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def calibrated(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    assert main(["calibrate", "fills", "--json", *map(str, arguments)]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("method", ["ols", "mle"])
def test_both_methods_recover_the_intensity_within_their_standard_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], method: str
) -> None:
    data = recorded(tmp_path / "t.csv", intensity=3.0, k=0.8, seconds=5000)
    found = calibrated(capsys, "--data", data, "--method", method)
    errors = found["standardErrors"]
    assert found["A"] == pytest.approx(3.0, abs=4 * errors["A"])
    assert found["k"] == pytest.approx(0.8, abs=4 * errors["k"])
    assert 0 < errors["k"] < 0.03
    assert found["range"]["lowest"] == 0.0
    assert found["method"] == method
    assert set(found["fits"]) == {"ols", "mle"}


def test_windows_give_the_least_squares_of_the_trades_they_came_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = recorded(tmp_path / "t.csv", intensity=3.0, k=0.8, seconds=500)
    rows = [tuple(map(float, line.split(","))) for line in data.read_text().splitlines()[1:]]
    places = [int(t // 0.1) for t, _ in rows]
    deepest: dict[int, float] = {}
    for place, (_, depth) in zip(places, rows, strict=True):
        deepest[place] = max(depth, deepest.get(place, depth))
    listed = [str(deepest.get(i, "")) for i in range(places[0], places[-1] + 1)]
    (tmp_path / "w.csv").write_text("deepest,side\n" + "\n".join(f"{d},bid" for d in listed) + "\n")
    from_trades = calibrated(capsys, "--data", data, "--method", "ols")
    from_windows = calibrated(capsys, "--data", tmp_path / "w.csv")["bid"]
    assert from_windows["A"] == pytest.approx(from_trades["A"])
    assert from_windows["k"] == pytest.approx(from_trades["k"])


def test_sides_are_fitted_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = calibrated(
        capsys, "--data", recorded(tmp_path / "t.csv", intensity=4.0, k=0.5, seconds=2000, sides=True)
    )
    assert set(found) == {"bid", "ask"}
    for fit in found.values():
        assert fit["A"] == pytest.approx(2.0, rel=0.1)


def test_prices_in_ticks_scale_k_and_leave_a(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = recorded(tmp_path / "t.csv", intensity=3.0, k=0.8, seconds=500)
    head, *rows = data.read_text().splitlines()
    scaled = [f"{t},{float(d) * 100!r}" for t, d in (row.split(",") for row in rows)]
    (tmp_path / "ticks.csv").write_text("\n".join([head, *scaled]))
    price, ticks = (calibrated(capsys, "--data", tmp_path / name) for name in ("t.csv", "ticks.csv"))
    assert ticks["k"] == pytest.approx(price["k"] / 100)
    assert ticks["A"] == pytest.approx(price["A"])


def test_the_text_names_method_range_and_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = recorded(tmp_path / "t.csv", intensity=3.0, k=0.8, seconds=500)
    assert main(["calibrate", "fills", "--data", str(data)]) == 0
    assert "both: A = " in (text := capsys.readouterr().out)
    assert "(mle, depths 0 to " in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "must be a header of time,depth[,side] or deepest[,side]"),
        ("time,depth\n", "with rows below it"),
        ("time,price\n1,2\n", "['price', 'time'] must be a header"),
        ("time,depth\n1,x\n", "line 2, depth: 'x' must be a finite number"),
        ("time,depth\n1,nan\n", "line 2, depth: 'nan' must be a finite number"),
        ("time,depth\n1\n", "line 2, depth: None must be a finite number"),
        ("time,depth\n2,1\n1,1\n", "line 3, time: 1.0 must be >= 2.0, the time before it"),
        ("time,depth,side\n1,1,left\n", "line 2, side: 'left' must be bid or ask"),
        ("time,depth\n1,1\n2,1\n", "--method: 'mle' must be possible with these data"),
        (
            "deepest\n1\n1\n1\n",
            "--method: 'ols' must be possible with these data; 0 usable levels, 3 are needed",
        ),
        ("deepest\n0\n0\n\n0\n", "must be possible with these data"),
        ('deepest\n0\n0\n""\n0\n', "all usable levels are at one depth"),
        ("time,depth\n0,1\n1e12,2\n", "--window: 0.1 must be long enough for at most"),
    ],
)
def test_bad_data_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, message: str
) -> None:
    (tmp_path / "t.csv").write_text(content)
    assert main(["calibrate", "fills", "--data", str(tmp_path / "t.csv")]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--window", "0"),
        ("--levels", "2"),
        ("--max-depth", "0"),
        ("--min-depth", "nan"),
        ("--seconds", "-5"),
    ],
)
def test_bad_options_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    assert main(["calibrate", "fills", "--data", str(tmp_path / "t.csv"), f"{option}={value}"]) == 2
    assert capsys.readouterr().err.startswith(f"quoting calibrate: {option}: ")
