"""Read `blocks.csv`: one row a block, one column (or group of columns) a metric, perhaps a `stream` column.

A cell that is missing or not finite is a rejected block, as it would be in the operator; a cell that is no
number at all is a user's mistake.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from quoting_operator.gates import (
    Block,
    CountBlock,
    DifferenceBlock,
    GateSpec,
    Kind,
    PairedCountBlock,
    RejectedBlock,
    Rejection,
    Test,
)
from quoting_policy.errors import InputError

MISSING_ARM = {
    "": Rejection.BOTH_MISSING,
    "candidate-missing": Rejection.CANDIDATE_MISSING,
    "baseline-missing": Rejection.BASELINE_MISSING,
}
"""What a cell without a number says."""

_SUFFIXES = {
    Test.MEAN: ("",),
    Test.PROPORTION: (".events", ".trials"),
    Test.QUANTILE: (".events", ".trials"),
    Test.RATE_RATIO: (".candidate_events", ".candidate_exposure", ".baseline_events", ".baseline_exposure"),
}
_MAKERS: dict[Test, Callable[..., Block]] = {
    Test.MEAN: DifferenceBlock,
    Test.PROPORTION: CountBlock,
    Test.QUANTILE: CountBlock,
    Test.RATE_RATIO: PairedCountBlock,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file: its number, block index and cells."""

    line: int
    index: int
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class BlockTable:
    """A parsed file: column positions by name, rows by stream ("" without a stream column)."""

    path: str
    columns: Mapping[str, int]
    streams: Mapping[str, Sequence[Row]]

    def blocks(self, gate: GateSpec, gates: Sequence[GateSpec], rows: Sequence[Row]) -> Iterator[Block]:
        """The blocks of one gate, in the order of the rows."""
        # An integrity gate looks at who is missing, in the column of any mean metric.
        test = Test.MEAN if gate.kind is Kind.INTEGRITY else gate.test
        columns = [self._column(gate, gates, suffix) for suffix in _SUFFIXES[test]]
        maker = _MAKERS[test]
        for row in rows:
            values = []
            for name, position in columns:
                value = _cell(row.cells[position], self.path, row.line, name)
                if isinstance(value, Rejection):
                    yield RejectedBlock(row.index, value)
                    break
                values.append(value)
            else:
                yield maker(row.index, *values)

    def differences(self, gate: GateSpec, gates: Sequence[GateSpec], rows: Sequence[Row]) -> list[float]:
        """The finite differences of a mean gate."""
        blocks = self.blocks(gate, gates, rows)
        return [block.value for block in blocks if isinstance(block, DifferenceBlock)]

    def _column(self, gate: GateSpec, gates: Sequence[GateSpec], suffix: str) -> tuple[str, int]:
        names = [gate.series + suffix]
        if not any(other.metric == gate.metric and other.horizon != gate.horizon for other in gates):
            names.append(gate.metric + suffix)
        for name in names:
            if name in self.columns:
                return name, self.columns[name]
        known = ", ".join(self.columns)
        raise InputError(f"{self.path} columns", known, f"with {names[0]!r}", f"gate {gate.name!r} needs it")


def read_blocks(path: Path) -> BlockTable:
    """Read a file; InputError names the line and what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError("--blocks", str(path), "a readable file", error.strerror or "") from None
    except UnicodeDecodeError:
        raise InputError("--blocks", str(path), "UTF-8 text", "save it as CSV UTF-8") from None
    reader = csv.reader(text.splitlines(), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        columns = _columns(header, str(path))
        streams = _streams(reader, header, str(path))
    except csv.Error as error:
        raise InputError(f"{path} line {reader.line_num}", str(error), "well-formed CSV") from None
    if not streams:
        raise InputError(str(path), "no rows", "a header and one block or more")
    return BlockTable(str(path), columns, streams)


def _columns(header: list[str], path: str) -> dict[str, int]:
    if "block" not in header:
        raise InputError(
            f"{path} line 1", ",".join(header), "a header with a 'block' column", "name the columns"
        )
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise InputError(f"{path} line 1", ", ".join(repeated), "named once")
    return {name: position for position, name in enumerate(header)}


def _streams(lines: Iterator[list[str]], header: Sequence[str], path: str) -> dict[str, list[Row]]:
    stream_at = header.index("stream") if "stream" in header else None
    block_at = header.index("block")
    streams: dict[str, list[Row]] = {}
    for line, cells in enumerate(lines, start=2):
        if not cells:
            continue
        if len(cells) != len(header):
            allowed = f"{len(header)} cells, as the header has"
            raise InputError(f"{path} line {line}", f"{len(cells)} cells", allowed)
        row = Row(line, _index(cells[block_at], path, line), cells)
        streams.setdefault("" if stream_at is None else cells[stream_at].strip(), []).append(row)
    return streams


def _index(text: str, path: str, line: int) -> int:
    stripped = text.strip()
    if not (stripped.isascii() and stripped.removeprefix("-").isdigit()):
        raise InputError(f"{path} line {line} block", text, "a whole number")
    return int(stripped)


def _cell(text: str, path: str, line: int, column: str) -> float | Rejection:
    stripped = text.strip()
    missing = MISSING_ARM.get(stripped)
    if missing is not None:
        return missing
    try:
        if "_" in stripped or not stripped.isascii():
            raise ValueError
        value = float(stripped)
    except ValueError:
        allowed = "a number, or empty where the block is missing"
        raise InputError(f"{path} line {line} {column}", text, allowed) from None
    return value if math.isfinite(value) else Rejection.NOT_FINITE
