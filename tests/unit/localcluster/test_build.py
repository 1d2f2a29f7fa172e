"""Parts are built once and found again by what went into them."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest

from localcluster import build as building
from localcluster.build import PARTS, Part
from localcluster.errors import ClusterError

TINY = 'package main\n\nimport "os"\n\nfunc main() { os.Stdout.WriteString("one") }\n'


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Part:
    """A Go module of ten lines, and a cache of its own."""
    module = tmp_path / "module"
    module.mkdir()
    (module / "go.mod").write_text("module example.test/tiny\n\ngo 1.21\n")
    (module / "main.go").write_text(TINY)
    # Go's own cache would move along, and everything be compiled again.
    cache = subprocess.run(
        ["go", "env", "GOCACHE"], capture_output=True, text=True, check=True
    ).stdout.strip()
    monkeypatch.setenv("GOCACHE", cache)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    part = Part("tiny", str(module), {"tiny": "renamed"}, package=".")
    monkeypatch.setattr(building, "PARTS", (part,))
    return part


def test_a_part_is_built_once_under_the_name_it_is_used_by(tiny: Part) -> None:
    first = Path(building.build()["renamed"])
    written = first.stat().st_mtime_ns
    assert Path(building.build()["renamed"]).stat().st_mtime_ns == written


def test_a_part_on_demand_is_built_only_by_name(tiny: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "PARTS", (dataclasses.replace(tiny, on_demand=True),))
    assert building.build().paths == {}
    assert Path(building.build(["tiny"])["renamed"]).exists()


def test_changed_sources_give_another_place_and_leave_the_old_one(tiny: Part) -> None:
    first = Path(building.build()["renamed"])
    (tiny.module / "main.go").write_text(TINY.replace("one", "two"))
    second = Path(building.build()["renamed"])
    assert second != first
    assert first.exists()


def test_a_failed_build_names_the_part_shows_the_log_and_leaves_nothing(tiny: Part, tmp_path: Path) -> None:
    (tiny.module / "main.go").write_text("package main\n\nfunc main() { undefined() }\n")
    with pytest.raises(ClusterError) as raised:
        building.build()
    assert str(raised.value).startswith("tiny: go build failed")
    assert "undefined: undefined" in str(raised.value)
    assert list((tmp_path / "cache" / "quoting-operator" / "parts").iterdir()) == []


@pytest.mark.parametrize(
    "change", [{"tags": "other"}, {"ldflags": "-w"}, {"package": "./x"}, {"programs": {"a": "b"}}]
)
def test_everything_that_decides_the_result_is_in_the_key(change: dict[str, object]) -> None:
    part = PARTS[0]
    assert building.key(part, "go1.26") != building.key(dataclasses.replace(part, **change), "go1.26")


def test_another_toolchain_is_another_key() -> None:
    assert building.key(PARTS[0], "go1.25") != building.key(PARTS[0], "go1.26")


def test_a_changed_pin_touches_its_own_part_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for part in PARTS:
        (tmp_path / part.folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / part.folder / "go.mod").write_text("one")
    monkeypatch.setattr(building, "SOURCE", tmp_path)
    before = {part.name: building.key(part, "go") for part in PARTS}
    (tmp_path / "etcd" / "go.mod").write_text("two")
    after = {part.name: building.key(part, "go") for part in PARTS}
    assert {name for name in before if before[name] != after[name]} == {"etcd"}


def test_too_old_a_toolchain_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho go1.19.8\n")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ClusterError, match=r"go: version 'go1.19.8' must be >= go1.21\n  remedy: upgrade Go"):
        building.go_version(tmp_path)
