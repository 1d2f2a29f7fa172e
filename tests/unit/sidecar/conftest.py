from __future__ import annotations

import pytest

from tests.unit.sidecar.rig import Sidecar, ThreadedEngine


@pytest.fixture
def threaded(tmp_path):
    engine = ThreadedEngine(tmp_path)
    yield engine
    engine.stop()


@pytest.fixture
def sidecar(tmp_path):
    processes = Sidecar(tmp_path)
    yield processes
    processes.stop()
