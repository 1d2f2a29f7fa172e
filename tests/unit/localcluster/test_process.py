"""Which processes count as a component that runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcluster.layout import Layout
from localcluster.process import Host


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(Layout.on_loopback("c", tmp_path), None)


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[int]:
    """Process id of a program named etcd that works in the cluster's folder."""
    program = tmp_path / "etcd"
    program.symlink_to(sys.executable)
    script = f"print(flush=True); import time; time.sleep(60)  # {tmp_path}"
    with subprocess.Popen([str(program), "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_the_process_that_was_started_counts(host: Host, etcd: int, tmp_path: Path) -> None:
    (tmp_path / "etcd.pid").write_text(str(etcd))
    assert host.alive("etcd")


def test_its_number_does_not_count_when_another_component_has_it(
    host: Host, etcd: int, tmp_path: Path
) -> None:
    (tmp_path / "kube-apiserver.pid").write_text(str(etcd))
    assert not host.alive("kube-apiserver")
