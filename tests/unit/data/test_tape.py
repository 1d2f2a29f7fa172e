"""A tape comes back from disk as it went, mapped, and says when it was damaged."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from quoting_policy.data.cut import cut
from quoting_policy.data.rows import ACTION, ADD, DEPTH
from quoting_policy.data.tape import Facts, Tape, load, receipt_order, save, verify
from quoting_policy.errors import InputError
from quoting_policy.sim.flow import Flow, generate
from quoting_policy.sim.replay import Replay


@pytest.fixture(scope="module")
def session():
    return generate(Flow(), seconds=20, seed=4)


def test_a_tape_survives_the_disk(tmp_path, session):
    path = tmp_path / "session.npz"
    save(session, path)
    again = load(path)
    assert again.facts == session.facts
    for name, column in session.columns.items():
        np.testing.assert_array_equal(again.columns[name], column)
    assert verify(path) == session.facts


def test_columns_are_mapped_aligned_and_read_only(tmp_path, session):
    path = tmp_path / "session.npz"
    save(session, path)
    again = load(path)
    assert all(column.ctypes.data % 64 == 0 for column in again.columns.values() if len(column))
    assert not any(column.flags.writeable for column in again.columns.values())
    with pytest.raises(ValueError, match="read-only"):
        again.qty[0] = 1


def test_numpy_alone_can_open_a_tape(tmp_path, session):
    save(session, tmp_path / "session.npz")
    with np.load(tmp_path / "session.npz") as archive:
        np.testing.assert_array_equal(archive["price"], session.price)


def test_one_flipped_byte_is_found_and_named(tmp_path, session):
    path = tmp_path / "session.npz"
    save(session, path)
    raw = bytearray(path.read_bytes())
    place = raw.index(session.qty[100:120].tobytes())
    raw[place] ^= 1
    path.write_bytes(raw)
    with pytest.raises(InputError, match="qty"):
        verify(path)


def test_other_versions_and_other_files_are_refused(tmp_path):
    path = tmp_path / "old.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("facts.json", json.dumps({"format": "quoting-tape", "version": 0}))
    with pytest.raises(InputError, match="convert the source again"):
        load(path)
    path.write_text("not a zip")
    with pytest.raises(InputError, match="a tape file"):
        load(path)


def test_receipt_order_is_stable_and_empty_when_not_needed():
    assert len(receipt_order(np.array([1, 2, 2, 5]))) == 0
    assert receipt_order(np.array([3, 1, 3, 1])).tolist() == [1, 3, 0, 2]


def test_a_cut_begins_with_the_book_that_stood(session):
    start, stop = 5_000_000_000, 15_000_000_000
    whole, part = Replay(session), Replay(cut(session, start, stop))
    whole.elapse(start - 1 - whole.now)
    part.elapse(start - part.now)
    for side in range(2):
        np.testing.assert_array_equal(whole.depth(1_000)[side], part.depth(1_000)[side])
    whole.elapse(stop - 1 - whole.now)
    part.elapse(stop - 1 - part.now)
    for side in range(2):
        np.testing.assert_array_equal(whole.depth(1_000)[side], part.depth(1_000)[side])


def test_a_cut_of_levels_keeps_the_newest_size_of_each():
    facts = Facts(venue="v", symbol="s", level=2, tick_size="1", qty_unit="1", low_tick=1, high_tick=9)
    time = np.arange(4)
    tape = Tape(
        facts, time, time, np.array([DEPTH, DEPTH, DEPTH | 8, DEPTH], "u1"), np.array([5, 4, 7, 5], "<i4"),
        np.array([10, 3, 8, 0]),
    )  # fmt: skip
    part = cut(tape, 4, 10)
    assert list(zip(part.price.tolist(), part.qty.tolist(), strict=True)) == [(4, 3), (7, 8)]
    assert (part.code & ACTION != ADD).all()
