"""What the rollout wants to know of the blocks that have ended, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from quoting_operator.gates.blocks import Block
from quoting_operator.gates.spec import GateSpec, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRequest:
    """Blocks of one policy in one stage, from `first` on.

    digest: revision whose evidence is wanted. fencing: number of the grant under which it is gathered.
    block_length_s: length of a block, s; block j ends at (j + 1) times that, s since the epoch.
    """

    namespace: str
    policy: str
    digest: str
    fencing: int
    stage: Stage
    block_length_s: float
    first: int
    gates: tuple[GateSpec, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockReading:
    """Blocks from ``request.first`` to ``last``, by gate, in order.

    last: ``request.first - 1`` where no block has ended. reachable: False where the source gave no full
    answer; ``problem`` then says why, and there are no blocks.
    """

    request: BlockRequest
    blocks: Mapping[str, tuple[Block, ...]]
    last: int
    reachable: bool = True
    problem: str = ""
