"""Make the generated market of docs/paper.md: python market.py hawkes.npz."""

import sys
from pathlib import Path

from quoting_policy.data import tape
from quoting_policy.sim.flow import SCENARIOS, generate

tape.save(generate(SCENARIOS["hawkes"], seconds=3700, seed=7, max_rows=3_000_000), Path(sys.argv[1]))
