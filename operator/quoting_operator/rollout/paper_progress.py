"""What the pods of a paper Job have said so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from quoting_operator.api.lease import DIGEST
from quoting_operator.rollout.jobs import Ended, endings, finished
from quoting_operator.rollout.observed import Json
from quoting_policy.domain.session import SessionEvidence, decode
from quoting_policy.errors import InputError


@dataclass(frozen=True, slots=True)
class PaperProgress:
    """How far a paper Job is.

    total: sessions asked for. sessions: evidence that is in, by index. failed: sessions that will never be
    in, with why. done: nothing more will come. problem: what is wrong as a whole, or with messages that do
    not count.
    """

    total: int = 0
    sessions: tuple[SessionEvidence, ...] = ()
    failed: tuple[tuple[int, str], ...] = ()
    done: bool = False
    problem: str = ""

    @property
    def complete(self) -> bool:
        """Whether every session's evidence is in."""
        return self.done and 0 < self.total == len(self.sessions)


def paper_progress(job: Json | None, pods: Iterable[Json]) -> PaperProgress:
    """Read a Job and its pods. Of an index the latest pod counts whose message is evidence for the digest.

    A message that is garbage, or of another revision or index, is no evidence and is named in ``problem``.
    """
    if job is None:
        return PaperProgress()
    total = int(job["spec"].get("completions") or 0)
    digest = (job["metadata"].get("annotations") or {}).get(DIGEST, "")
    evidence: dict[int, SessionEvidence] = {}
    words: dict[int, str] = {}
    problems: list[str] = []
    for ended in endings(job, pods):
        if not 0 <= ended.index < total:
            problems.append(f"pod {ended.pod}: no index of this Job")
        elif ended.exit_code != 0:
            words[ended.index] = _last_line(ended)
        else:
            try:
                evidence[ended.index] = _read(ended, digest)
            except InputError as error:
                words[ended.index] = str(error)
                problems.append(f"pod {ended.pod}: {error}")
    done, why = finished(job)
    if why:
        problems.insert(0, why)
    gone = set(range(total)) if done else _indices(job, total, "failedIndexes")
    failed = tuple(
        (index, words.get(index, "no pod of it has left its evidence"))
        for index in sorted(gone - set(evidence))
    )
    sessions = tuple(evidence[index] for index in sorted(evidence))
    return PaperProgress(total, sessions, failed, done, "; ".join(problems)[:1024])


def _read(ended: Ended, digest: str) -> SessionEvidence:
    evidence = decode(ended.message.encode())
    if not digest or evidence.revision != digest:
        raise InputError("session.revision", evidence.revision, f"{digest}, the revision that is judged")
    if evidence.index != ended.index:
        raise InputError("session.index", evidence.index, f"{ended.index}, the index of its pod")
    return evidence


def _last_line(ended: Ended) -> str:
    lines = ended.message.strip().splitlines()
    return f"exit status {ended.exit_code}" + (f": {lines[-1][:400]}" if lines else "")


def _indices(job: Json, total: int, field: str) -> set[int]:
    """Indices of a status field such as ``1,3-5``."""
    found: set[int] = set()
    for part in str((job.get("status") or {}).get(field) or "").split(","):
        first, _, last = part.partition("-")
        if first.isdecimal():
            found |= set(range(int(first), min(int(last) if last.isdecimal() else int(first), total - 1) + 1))
    return found
