"""What a pod of a paper Job makes of its inputs."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import msgspec
import pytest

from quoting_operator.cli.quoting import main
from quoting_operator.rollout.paper_job import paper_inputs
from quoting_policy.data import tape as tapes
from quoting_policy.domain import ArmSpec, Instrument, Limits
from quoting_policy.domain.session import decode
from quoting_policy.errors import InputError
from quoting_policy.paper.inputs import open_session, read_inputs
from quoting_policy.sim.flow import SCENARIOS, generate
from tests.paper_cases import POLICY, plan, stored

ETH = Instrument(symbol="ETH-USDT", tick_size=Decimal("0.01"), lot_size=Decimal(1), min_qty_lots=2)
FIXED = {"halfSpread": 1, "qty": 1}
BTC = stored().content.instruments[0]


class Given:
    """Inputs as a pod finds them."""

    def __init__(self, folder, revision=None, **changes):
        text = paper_inputs(POLICY, revision or stored(), plan(**changes), 1)["data"]["paper.json"].encode()
        self.folder, self.path = folder, folder / "paper.json"
        self.sha256 = hashlib.sha256(text).hexdigest()
        self.path.write_bytes(text)

    @property
    def words(self):
        return ["--inputs", str(self.path), "--sha256", self.sha256]

    def open(self, index=0):
        return open_session(read_inputs(self.path, self.sha256), index, self.folder)


def test_everything_about_an_arm_is_the_revisions_own(tmp_path):
    revision = stored(limits=Limits(max_position=50, price_band=0.01), instruments=(ETH,))
    session, pairing = Given(tmp_path, revision).open()
    assert pairing.desk.engine_limits() == revision.content.limits
    assert pairing.desk.engine_breach() == revision.content.breach
    assert pairing.desk.engine_refresh() == revision.content.refresh
    facts = session.recording.facts
    assert (facts.symbol, facts.tick_size, facts.qty_unit, facts.lot) == ("ETH-USDT", "0.01", "1", 2)
    assert pairing.candidates[0].spec() == revision.content.candidate


def test_sessions_take_turns_over_instruments_and_differ_in_their_market(tmp_path):
    given = Given(tmp_path, stored(instruments=(BTC, ETH)))
    opened = [given.open(i)[0] for i in range(3)]
    assert [s.recording.facts.symbol for s in opened] == ["BTC-USDT", "ETH-USDT", "BTC-USDT"]
    assert [s.index for s in opened] == [0, 1, 2]
    assert len({s.recording.sha256 for s in opened}) == 3
    assert {s.blocks for s in opened} == {6}


def test_a_generated_market_starts_at_the_price_that_was_asked_for(tmp_path):
    simulated = {"seed": 1, "sessionLength": "90s", "startPrice": "60000"}
    session, _ = Given(tmp_path, data={"type": "Simulated", "simulated": simulated}).open()
    facts = session.recording.facts
    assert facts.low_tick * 0.1 < 60_000 < facts.high_tick * 0.1


def recorded(folder, **changes):
    drawn = generate(SCENARIOS["hawkes"], seconds=400, seed=1, max_rows=200_000)
    facts = {"symbol": "BTC-USDT", "tick_size": "0.1", "qty_unit": "0.001"} | changes
    tapes.save(replace(drawn, facts=msgspec.structs.replace(drawn.facts, **facts)), folder / "tape.npz")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"symbol": "DOGE"}, "symbol"),
        ({"tick_size": "0.5"}, "tick, lot"),
        ({"qty_unit": "1"}, "tick, lot"),
    ],
)
def test_a_tape_of_another_instrument_is_refused(tmp_path, monkeypatch, changes, words):
    monkeypatch.setattr("quoting_operator.rollout.paper_job.MARKET_DIR", str(tmp_path))
    recorded(tmp_path, **changes)
    with pytest.raises(InputError, match=words):
        Given(tmp_path, data={"type": "Volume", "volume": {"claimName": "tapes"}}).open()


def test_a_recorded_market_is_cut_into_the_sessions(tmp_path, monkeypatch):
    monkeypatch.setattr("quoting_operator.rollout.paper_job.MARKET_DIR", str(tmp_path))
    recorded(tmp_path)
    given = Given(tmp_path, data={"type": "Volume", "volume": {"claimName": "tapes"}})
    opened = [given.open(i)[0] for i in range(3)]
    assert [s.index for s in opened] == [0, 1, 2]
    assert all(a.end_ns <= b.start_ns for a, b in pairwise(opened))


@pytest.mark.parametrize(
    ("revision", "changes", "words"),
    [
        (stored(candidate=None), {}, r"revision\.candidate"),
        (stored(candidate=ArmSpec(model="MLP", params=FIXED, weights_sha256="a" * 64)), {}, "weights"),
        (None, {"decisionMs": 300}, "multiple of decisionS"),
        (None, {"data": {"type": "Simulated", "simulated": {"seed": 1, "startPrice": "1"}}}, "startPrice"),
        (None, {"blockLength": "60s"}, "sessions"),
    ],
)  # fmt: skip
def test_what_can_never_be_replayed_is_named(tmp_path, revision, changes, words):
    with pytest.raises(InputError, match=words):
        Given(tmp_path, revision, **changes).open()


def test_a_pod_replays_with_secret_parameters_and_leaves_none_of_them(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "1")
    secret, content = b'{"halfSpread": 1.2345678}', tmp_path / "content" / "0"
    content.mkdir(parents=True)
    (content / "content").write_bytes(secret)
    hidden = ArmSpec(model="FixedSpread", params={"qty": 1}, params_sha256=hashlib.sha256(secret).hexdigest())
    given, log, report = Given(tmp_path, stored(candidate=hidden)), tmp_path / "log", tmp_path / "out.gz"
    words = [*given.words, "--content", str(content.parent)]
    assert main(["paper-session", *words, "--termination-log", str(log)]) == 0
    assert main(["paper-report", *words, "--out", str(report)]) == 0
    said = capsys.readouterr()
    left = [log.read_text(), gzip.decompress(report.read_bytes()).decode(), said.out, said.err]
    assert not [text for text in left if "1.2345678" in text]


def test_a_pod_without_the_secret_compares_nothing(tmp_path, capsys):
    hidden = ArmSpec(model="FixedSpread", params={"qty": 1}, params_sha256="a" * 64)
    given = Given(tmp_path, stored(candidate=hidden))
    assert main(["paper-session", *given.words, "--index", "1"]) == 2
    assert "candidate.paramsFrom: None must be content of sha256 aaaa" in capsys.readouterr().err


def test_inputs_that_were_replaced_are_refused(tmp_path, capsys):
    given = Given(tmp_path)
    given.path.write_text(given.path.read_text().replace('"seed":7', '"seed":8'))
    assert main(["paper-session", *given.words, "--index", "0"]) == 2
    assert "another attempt's" in capsys.readouterr().err


def test_a_session_leaves_evidence_for_its_revision(tmp_path, monkeypatch, capsys):
    given, log = Given(tmp_path), tmp_path / "log"
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "1")
    assert main(["paper-session", *given.words, "--termination-log", str(log)]) == 0
    evidence = decode(log.read_bytes())
    assert (evidence.revision, evidence.index, len(evidence.status)) == (stored().digest, 1, 6)
    assert json.loads(capsys.readouterr().out)["revision"] == stored().digest


def test_a_report_is_one_page_the_same_every_time(tmp_path, capsys):
    given = Given(tmp_path)
    pages = []
    for name in ("one", "other"):
        assert main(["paper-report", *given.words, "--out", str(tmp_path / name)]) == 0
        pages.append((tmp_path / name).read_bytes())
    assert pages[0] == pages[1]
    page = gzip.decompress(pages[0]).decode()
    assert f"Revision {stored().digest}, attempt 1." in page
    assert "Shortened" not in page
    assert "report of 3 of 3 sessions" in capsys.readouterr().out


def test_a_report_that_leaves_sessions_out_says_so(tmp_path):
    given = Given(tmp_path, stored(instruments=(BTC, ETH)))
    assert main(["paper-report", *given.words, "--out", str(tmp_path / "page")]) == 0
    page = gzip.decompress((tmp_path / "page").read_bytes()).decode()
    assert "Shortened: 2 of 3 sessions, of BTC-USDT" in page


def test_outside_of_a_pod_a_report_is_not_stored(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert main(["paper-report", *Given(tmp_path, sessions=2).words]) == 2
    assert "run this in a pod, or give --out FILE" in capsys.readouterr().err
