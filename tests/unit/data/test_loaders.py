"""Each format is read as documented; what can't be used is counted, named, and refused or dropped."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from quoting_policy.cli import data as command
from quoting_policy.data.aggregate import aggregate
from quoting_policy.data.loaders import read
from quoting_policy.data.rows import ACTION, ADD, ASK_SIDE, DEPTH, FILL, REDUCE, TRADE
from quoting_policy.errors import InputError

SSE = """appl_seq,time_s_after_midnight,type,order_no,side,price,qty_shares,bid_order_no,ask_order_no
1,33300.01,A,11,B,9.10,300,,
2,33300.02,A,12,S,9.05,100,,
3,33900.01,T,,N,9.08,100,11,12
4,34200.00,A,13,S,9.12,500,,
5,34200.50,T,,B,9.12,200,14,13
6,34201.00,D,13,S,9.12,300,,
"""
STREAM = [
    (1, {"e": "depthUpdate", "E": 2, "T": 2, "U": 1, "u": 5, "pu": 0, "b": [["9.9", "9"]], "a": []}),
    (3, {"e": "depthUpdate", "E": 4, "T": 4, "U": 6, "u": 9, "pu": 5, "b": [["10.0", "2.000"]], "a": []}),
    (5, {"lastUpdateId": 8, "E": 3, "T": 3, "bids": [["10.0", "1.000"]], "asks": [["10.1", "4.000"]]}),
    (6, {"e": "depthUpdate", "E": 6, "T": 6, "U": 10, "u": 12, "pu": 9, "b": [], "a": [["10.1", "0.000"],
    ["10.2", "3"]]}),
    (7, {"e": "bookTicker", "u": 12, "b": "10.0", "B": "2.000", "a": "10.2", "A": "3.000", "T": 6, "E": 6}),
    (8, {"e": "trade", "E": 7, "T": 7, "t": 1, "p": "10.2", "q": "0.500", "X": "MARKET", "m": False}),
    (9, {"e": "trade", "E": 7, "T": 7, "t": 2, "p": "10.2", "q": "0.500", "X": "INSURANCE_FUND", "m": False}),
]  # fmt: skip


def stream(messages, tmp_path, name="usdm_xyz_1.gz", *, wrapped=True):
    lines = []
    for local, message in messages:
        body = {"stream": "x", "data": message} if wrapped and "e" in message else message
        lines.append(f"{1_000_000_000_000_000 + local * 1000} {json.dumps(body)}")
    path = tmp_path / name
    shifted = "\n".join(lines) + "\n"
    path.write_bytes(gzip.compress(shifted.encode()))
    return path


def dated(messages):
    return [(t, {k: (v + 10**12 if k in ("E", "T") else v) for k, v in m.items()}) for t, m in messages]


def rows(tape):
    return [
        (int(c & ACTION), bool(c & ASK_SIDE), int(p), int(q))
        for c, p, q in zip(tape.code, tape.price, tape.qty, strict=True)
    ]


def write(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_shanghai_orders_take_from_the_resting_leg_alone(tmp_path):
    tape = read([write(tmp_path, "600000_2023-07-11_l3.csv", SSE)])
    assert rows(tape) == [
        (ADD, False, 910, 300), (ADD, True, 905, 100),
        (REDUCE, False, 910, 100), (REDUCE, True, 905, 100), (TRADE, False, 908, 100),
        (ADD, True, 912, 500), (FILL, True, 912, 200), (REDUCE, True, 912, 300),
    ]  # fmt: skip
    assert tape.exch_ns[-1] == 34_201_000_000_000
    assert (tape.facts.symbol, tape.facts.lot, len(tape.facts.sessions)) == ("600000", 100, 2)


@pytest.mark.parametrize(
    ("line", "fault"),
    [("7,34202.0,D,99,S,9.12,300,,", "unknown order"), ("7,34202.0,A,11,B,9.10,100,,", "duplicate order"),
     ("7,34202.0,D,11,B,9.10,999,,", "excess quantity"), ("7,34202.0,X,11,B,9.10,100,,", "unknown word"),
     ("7,34202.0,A,15,B,9.1", "missing field"), ("7,34202.0,A,15,B,9.10,100,,,", "surplus field"),
     ("7,34202.0,A,15,B,nine,100,,", "not a number"), ("7,34202.0,A,15,B,9.105,100,,", "not a number"),
     ("7,34202.0,A,15,B,9.10,0,,", "not positive"), ("6,34202.0,A,15,B,9.10,100,,", "sequence gap")],
)  # fmt: skip
def test_a_bad_row_is_named_with_its_line_or_dropped_and_counted(tmp_path, line, fault):
    path = write(tmp_path, "600000_2023-07-11_l3.csv", SSE + line + "\n")
    with pytest.raises(InputError, match=f"line 8.*{fault}"):
        read([path])
    dropped = read([path], bad_rows="drop")
    assert dropped.facts.bad == {fault: 1}
    assert len(dropped) == 8


def test_a_policy_that_nobody_knows_is_refused(tmp_path):
    with pytest.raises(InputError, match="refuse or drop"):
        read([write(tmp_path, "600000_2023-07-11_l3.csv", SSE)], bad_rows="ignore")


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_binance_book_starts_from_its_snapshot(tmp_path, wrapped):
    tape = read([stream(dated(STREAM), tmp_path, wrapped=wrapped)], tick="0.1", lot="0.001")
    assert rows(tape) == [
        (DEPTH, False, 100, 1000), (DEPTH, True, 101, 4000),  # the snapshot
        (DEPTH, False, 100, 2000),  # received before it, but newer
        (DEPTH, True, 101, 0), (DEPTH, True, 102, 3000), (TRADE, True, 102, 500),
    ]  # fmt: skip
    assert tape.facts.ignored == {"diff before the snapshot": 1, "message not used": 1}
    assert (tape.quote_bid.tolist(), tape.quote_ask.tolist()) == ([100], [102])
    assert tape.local_ns[2] == tape.local_ns[0]  # it could be applied only once the snapshot was there


def test_a_clock_that_runs_behind_is_set_right(tmp_path):
    ahead = [(t, m | {"T": m["T"] + 1_500}) for t, m in STREAM]
    tape = read([stream(dated(ahead), tmp_path)], tick="0.1", lot="0.001")
    assert (tape.local_ns - tape.exch_ns).min() == 0
    assert tape.facts.clock_shift_ns > 1_490_000_000


def test_after_a_gap_nothing_is_used_until_the_next_snapshot(tmp_path):
    broken = [
        *STREAM,
        (10, {"e": "depthUpdate", "E": 9, "T": 9, "U": 15, "u": 16, "pu": 14, "b": [["9.8", "1"]], "a": []}),
    ]
    path = stream(dated(broken), tmp_path)
    with pytest.raises(InputError, match=r"line 8.*sequence gap"):
        read([path], tick="0.1", lot="0.001")
    assert read([path], tick="0.1", lot="0.001", bad_rows="drop").facts.bad == {"sequence gap": 1}


@pytest.mark.parametrize(
    ("text", "fault"),
    [("not a line", "not a number"), ("1000000000000001 {broken", "not json"),
     ('1000000000000001 {"e":"trade","T":1,"p":"10.25","q":"1","X":"MARKET","m":true}', "off tick"),
     ('1000000000000001 {"e":"trade","T":1,"p":"10.2","q":"0.0001","X":"MARKET","m":true}', "off lot"),
     ('1000000000000001 {"e":"trade","T":1,"p":"10.2","q":"1","X":"MARKET"}', "missing field")],
)  # fmt: skip
def test_a_bad_line_of_the_stream_is_named(tmp_path, text, fault):
    with pytest.raises(InputError, match=f"line 1.*{fault}"):
        read([write(tmp_path, "usdm_xyz_1", text + "\n")], tick="0.1", lot="0.001")


def test_bitstamp_changes_are_executions_and_ghosts_never_stood(tmp_path):
    text = """id,timestamp,exchange.timestamp,price,volume,action,direction
1,1000,1000,236.47,200,created,bid
2,1001,1000,236.50,0,deleted,ask
2,1002,1000,236.50,50,created,ask
1,1003,1000,236.47,120,changed,bid
1,1004,1000,236.47,120,changed,bid
1,1005,1000,236.47,0,deleted,bid
"""
    tape = read([write(tmp_path, "orders_x.csv", text)])
    assert rows(tape) == [(ADD, False, 23647, 200), (FILL, False, 23647, 80), (REDUCE, False, 23647, 120)]
    assert tape.facts.ignored == {"change of nothing": 1, "order that never stood": 2}


def test_lobster_messages_become_orders_and_hidden_prints(tmp_path):
    text = """34200.1,1,7,100,5853300,1
34200.2,2,7,40,5853300,1
34200.3,4,7,10,5853300,1
34200.4,5,0,5,5853350,-1
34200.5,3,7,50,5853300,1
34200.6,7,0,0,-1,-1
"""
    tape = read([write(tmp_path, "AAPL_2012-06-21_message_5.csv", text)])
    assert rows(tape) == [
        (ADD, False, 58533, 100), (REDUCE, False, 58533, 40), (FILL, False, 58533, 10), (TRADE, True, 58534,
        5),
        (REDUCE, False, 58533, 50),
    ]  # fmt: skip
    assert tape.facts.symbol == "AAPL"
    assert tape.facts.ignored == {"cross or halt": 1}


def test_binance_history_puts_up_and_takes_down_best_prices(tmp_path):
    trades = "id,price,qty,quote_qty,time,is_buyer_maker\n5,10.1,1,10.1,3,true\n6,10.2,2,20.4,4,false\n"
    quotes = "1,10.1,5,10.2,6,1,1\n2,10.1,5,10.2,7,2,2\n3,10.0,4,10.2,7,5,5\n"
    files = [
        write(tmp_path, "XYZ-trades-2024.csv", trades),
        write(tmp_path, "XYZ-bookTicker-2024.csv", quotes),
    ]
    tape = read(files, tick="0.1", lot="1")
    assert rows(tape) == [
        (DEPTH, False, 101, 5), (DEPTH, True, 102, 6), (DEPTH, True, 102, 7),
        (TRADE, False, 101, 1), (TRADE, True, 102, 2), (DEPTH, False, 101, 0), (DEPTH, False, 100, 4),
    ]  # fmt: skip
    assert tape.exch_ns[0] == 1_000_000


def test_levels_made_from_orders_print_before_they_shrink(tmp_path):
    tape = aggregate(read([write(tmp_path, "600000_2023-07-11_l3.csv", SSE)]))
    assert rows(tape)[-4:] == [
        (DEPTH, True, 912, 500), (TRADE, True, 912, 200), (DEPTH, True, 912, 300), (DEPTH, True, 912, 0),
    ]  # fmt: skip


def test_a_wrong_header_or_format_is_refused(tmp_path):
    with pytest.raises(InputError, match="header"):
        read([write(tmp_path, "600000_l3.csv", "a,b,c\n1,2,3\n")])
    with pytest.raises(InputError, match="--format"):
        read([write(tmp_path, "what.txt", "")])
    with pytest.raises(InputError, match="readable"):
        read([tmp_path / "none_l3.csv"])


def test_the_command_converts_inspects_and_checks(tmp_path, capsys):
    import argparse

    parser = argparse.ArgumentParser()
    command.configure(parser)
    raw, tape = str(write(tmp_path, "600000_2023-07-11_l3.csv", SSE)), str(tmp_path / "t.npz")
    assert command.run(parser.parse_args(["convert", raw, "--out", tape])) == 0
    assert command.run(parser.parse_args(["inspect", tape])) == 0
    assert "SSE 600000" in capsys.readouterr().out
    status = command.run(parser.parse_args(["check", tape, "--json"]))
    report = json.loads(capsys.readouterr().out)
    assert report["by_action"]["fill"] == 1
    assert status == (0 if report["verdict"] == "fit for replay" else 1)


def test_hyperliquid_books_become_the_levels_that_changed(tmp_path):
    from quoting_policy.data.hyperliquid import BOOK_HEADER, LEVELS, TRADE_HEADER

    def book(time, first_size):
        levels = [f"{100 - k},{first_size if k == 0 else 1},{101 + k},2" for k in range(LEVELS)]
        return f"{time / 1000:.3f},{time},{time}," + ",".join(levels)

    books = write(tmp_path, "orderbooks_X.csv", "\n".join([BOOK_HEADER, book(1000, 1), book(1500, 3)]) + "\n")
    line = "1.2,101,2,buy,{},1200"
    trades = write(tmp_path, "trades_X.csv", "\n".join([TRADE_HEADER, line.format(7), line.format(7)]) + "\n")
    tape = read([books, trades], tick="1", lot="1")
    assert rows(tape)[-2:] == [(TRADE, True, 101, 2), (DEPTH, False, 100, 3)]
    assert len(tape) == 4 * LEVELS // 2 + 2
    assert tape.facts.ignored == {"repeated trade": 1}
    assert np.all(np.diff(tape.exch_ns) >= 0)
