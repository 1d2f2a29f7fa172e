"""Cgroups of both versions: where a box's are, and what kubelet has to find there."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcluster.errors import ClusterError
from localcluster.sandbox import (
    _enable_controllers,
    _inherit_processors,
    cgroup_roots,
    components_group,
    to_enable,
)

OTHERS = "proc /proc proc rw 0 0\ntmpfs /sys/fs/cgroup tmpfs ro 0 0\n"
VERSION_1 = (
    "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\ncgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0\n"
)
VERSION_2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n"
HYBRID = VERSION_1 + "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"


@pytest.mark.parametrize(
    ("mounts", "roots"),
    [
        (VERSION_1, ["memory", "pids"]),
        (VERSION_2, ["."]),
        (HYBRID, ["memory", "pids", "unified"]),
    ],
)
def test_every_hierarchy_is_found_by_its_mount(mounts: str, roots: list[str]) -> None:
    assert cgroup_roots(OTHERS + mounts) == [Path("/sys/fs/cgroup") / root for root in roots]


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        (VERSION_1, "/sys/fs/cgroup/pids/box/system"),
        (VERSION_2, "/sys/fs/cgroup/box/system"),
        (HYBRID, "/sys/fs/cgroup/pids/box/system"),
    ],
)
def test_components_are_in_a_leaf_of_one_hierarchy(mounts: str, expected: str) -> None:
    assert components_group([root / "box" for root in cgroup_roots(mounts)]) == Path(expected)


def test_what_kubelet_misses_is_enabled_if_the_kernel_has_it() -> None:
    assert to_enable("cpuset cpu io memory pids rdma\n", "memory pids\n") == ["cpu", "cpuset"]
    assert to_enable("cpu memory", "cpu memory") == []
    assert to_enable("", "") == []


@pytest.fixture
def group(tmp_path: Path) -> Path:
    """A cgroup below its root, as plain files."""
    (tmp_path / "box").mkdir()
    return tmp_path / "box"


def test_in_version_2_controllers_are_passed_on_by_the_parent(group: Path) -> None:
    (group.parent / "cgroup.controllers").write_text("cpu memory pids\n")
    (group / "cgroup.controllers").write_text("memory pids\n")
    (group / "cpuset.cpus").write_text(
        "\n"
    )  # empty means all: the parent, if it is the root, has no such file
    _enable_controllers(group)
    assert (group.parent / "cgroup.subtree_control").read_text() == "+cpu"


def test_a_controller_that_cant_be_had_is_named_with_the_remedy(group: Path) -> None:
    (group.parent / "cgroup.controllers").write_text("cpu\n")
    (group / "cgroup.controllers").write_text("\n")
    (group.parent / "cgroup.subtree_control").mkdir()  # the kernel's refusal is an OSError as well
    with pytest.raises(ClusterError, match="cgroup controller 'cpu' can't be used"):
        _enable_controllers(group)


def test_in_version_1_a_new_cpuset_gets_its_parents_processors(group: Path) -> None:
    for name, value in {"cpuset.cpus": "0-1\n", "cpuset.mems": "0\n"}.items():
        (group.parent / name).write_text(value)
        (group / name).write_text("\n")
    _inherit_processors(group)
    assert (group / "cpuset.cpus").read_text() == "0-1\n"
    assert (group / "cpuset.mems").read_text() == "0\n"
