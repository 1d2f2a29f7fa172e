"""The locked dependencies are those that pyproject.toml asks for; `make lock` refreshes them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[3]
LOCKS = {"dev": "dev", "operator": "operator", "sidecar": "sidecar", "paper": "sim", "train": "train"}
"""File in requirements/ -> extra that it locks."""


def asked(extra: str) -> list[Requirement]:
    """What an extra and the project itself ask for, with the extras that it is made of."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    found: list[Requirement] = []
    for text in project["dependencies"] + project["optional-dependencies"][extra]:
        requirement = Requirement(text)
        if requirement.name == project["name"]:
            found += [more for name in requirement.extras for more in asked(name)]
        else:
            found.append(requirement)
    return found


def locked(file: str) -> dict[str, str]:
    """Package -> version."""
    text = (REPOSITORY / "requirements" / f"{file}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", text, re.MULTILINE))


@pytest.mark.parametrize(("file", "extra"), LOCKS.items())
def test_every_dependency_is_locked_at_a_version_that_is_asked_for(file: str, extra: str) -> None:
    pins = locked(file)
    for requirement in asked(extra):
        version = pins.get(canonicalize_name(requirement.name), "none")
        assert requirement.specifier.contains(version, prereleases=True), (
            f"{requirement} is locked at {version}"
        )


@pytest.mark.parametrize("file", LOCKS)
def test_every_locked_package_has_hashes_and_names_no_index(file: str) -> None:
    text = (REPOSITORY / "requirements" / f"{file}.txt").read_text()
    entries = re.split(
        r"^(?=[a-z0-9])", re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE), flags=re.MULTILINE
    )
    assert [entry for entry in entries if entry.strip() and "--hash=sha256:" not in entry] == []
    assert "://" not in text
    assert "-index" not in text


@pytest.mark.parametrize("image", ["sidecar", "paper", "operator", "train"])
def test_an_image_has_what_the_tests_ran_with(image: str) -> None:
    tested = locked("dev")
    assert {
        name: version for name, version in locked(image).items() if tested.get(name, version) != version
    } == {}


def test_the_sidecar_has_neither_kopf_nor_numba_nor_the_kubernetes_package() -> None:
    assert {"kopf", "numba", "kubernetes"} & set(locked("sidecar")) == set()
