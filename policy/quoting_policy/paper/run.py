"""Many sessions: those that are done are read, the others are replayed, in parallel; the order is fixed."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from quoting_policy.errors import InputError
from quoting_policy.paper import parts
from quoting_policy.paper.evaluate import Pairing, Part, evaluate
from quoting_policy.paper.sessions import Session

Report = Callable[[Session, bool], None]
"""Called for each session that is done: the session, and whether its part was there already."""


def run_session(session: Session, pairing: Pairing, folder: Path | None) -> tuple[Part, bool]:
    """A session's part, and whether it was there already. A damaged part is made again."""
    if folder is not None and (found := parts.load(folder, pairing.key(session))) is not None:
        return found, True
    part = evaluate(session, pairing)
    if folder is not None:
        parts.save(part, folder)
    return part, False


def run_sessions(
    sessions: Sequence[Session], pairing: Pairing, folder: Path | None, parallel: int, report: Report
) -> list[Part]:
    """Parts of all sessions in the sessions' order, whatever the order in which they were finished."""
    if parallel < 1:
        raise InputError("--parallel", parallel, ">= 1")
    done: dict[int, Part] = {}
    if parallel == 1 or len(sessions) == 1:
        for session in sessions:
            done[session.index], cached = run_session(session, pairing, folder)
            report(session, cached)
        return [done[session.index] for session in sessions]
    context = multiprocessing.get_context("spawn")
    workers = min(parallel, len(sessions), (os.cpu_count() or 1) * 4)
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = {pool.submit(run_session, session, pairing, folder): session for session in sessions}
        for future in as_completed(futures):
            session = futures[future]
            done[session.index], cached = future.result()
            report(session, cached)
    return [done[session.index] for session in sessions]
