"""A pair on a recorded market, where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from quoting_policy.data import tape as tapes
from quoting_policy.data.source import Intake
from quoting_policy.data.sse import load_sse
from quoting_policy.paper.desk import Desk, PolicyFile, SignalSettings
from quoting_policy.paper.evaluate import Pairing, evaluate
from quoting_policy.paper.sessions import open_recording, split

DATA = Path(os.environ.get("QUOTING_DATA_DIR", Path(__file__).parents[4] / "shared" / "data"))


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    source = DATA / "sse_l3" / "600961_2023-07-11_l3.csv.gz"
    if not source.exists():
        pytest.skip(f"recorded data is absent: {source} (set QUOTING_DATA_DIR)")
    path = tmp_path_factory.mktemp("tapes") / "600961.npz"
    tapes.save(load_sse([source], Intake()), path)
    return split([open_recording(path)], 24, DESK)[0]


DESK = Desk(
    limits={"maxPosition": 2000.0}, block_s=20.0, warmup_s=90.0, signals=SignalSettings(horizon_s=60.0)
)


def test_both_arms_trade_an_exact_queue_and_the_books_balance(session):
    arms = (
        PolicyFile(model="FixedSpread", params={"halfSpread": 0.01, "qty": 100}),
        PolicyFile(model="AvellanedaStoikov", params={"gamma": 0.01, "qty": 100, "k": 150}),
    )
    part = evaluate(session, Pairing(arms[0], arms[1:], DESK))
    assert part.evidence[0].rejections == ()
    for record in part.arms.values():
        signed = record.fills[:, 1] * record.fills[:, 3]
        assert len(signed) > 5
        assert np.abs(np.cumsum(signed)).max() <= 2000
        assert record.curves[-1, 1] == pytest.approx(
            float(np.sum(signed * (record.curves[-1, 3] - record.fills[:, 2]))), abs=1e-6
        )
