"""What a rollout wants to know of its pods' blocks, and what there was to be known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from quoting_operator.gates.blocks import Block
from quoting_operator.gates.spec import GateSpec, Stage
from quoting_policy.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRequest:
    """Blocks of one policy in one stage, from `first` on.

    digest: of the revision, which holds both arms. block_length_s: blocks are numbered by it from the epoch.
    first: index of the first block wanted, the last one judged + 1. now_s: s since the epoch; 0 until it is
    asked.
    """

    namespace: str
    policy: str
    digest: str
    stage: Stage
    block_length_s: float
    first: int
    gates: tuple[GateSpec, ...]
    now_s: float = 0.0

    def __post_init__(self) -> None:
        if self.stage is Stage.PAPER:
            raise InputError("request.stage", self.stage, "shadow, canary or live", "paper has sessions")
        if not (math.isfinite(self.block_length_s) and self.block_length_s > 0):
            raise InputError("request.block_length_s", self.block_length_s, "finite and > 0 s")

    @property
    def block_ns(self) -> int:
        """Length of a block as the sidecars have it."""
        return round(self.block_length_s * 1e9)

    def end_s(self, index: int) -> float:
        """When block `index` ends, s since the epoch."""
        return (index + 1) * self.block_ns * 1e-9

    def newest(self, lag_s: float) -> int:
        """The newest block that ended `lag_s` ago or earlier."""
        return math.floor((self.now_s - lag_s) * 1e9 / self.block_ns) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockReading:
    """What was read.

    blocks: by gate name, in order, one for every block from the request's first to last. last: the newest
    block that was read; first - 1 where none was. reachable: the source answered in full, as far as it was
    asked. problem: one sentence for people, empty where nothing is wrong.
    """

    blocks: Mapping[str, tuple[Block, ...]]
    last: int
    reachable: bool = True
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A reading with the request that it answers, as it was made (now_s 0)."""

    request: BlockRequest
    reading: BlockReading
