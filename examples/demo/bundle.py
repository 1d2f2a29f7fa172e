"""The report and the postmortem bundle: everything that says what happened, in one folder."""

from __future__ import annotations

import base64
import csv
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from examples.demo import plots, summary
from examples.demo.desk import POLICY, SYSTEM, Desk
from examples.demo.play import ActRecord, Observation, Play
from examples.demo.prometheus import QUERIES, Series, read
from localcluster.errors import ClusterError

Json = Mapping[str, Any]
OBJECTS = {
    "policy": ("qp", POLICY),
    "contracts": ("impl",),
    "risk": ("configmap", "desk-risk"),
    "revisions": ("controllerrevisions",),
    "jobs": ("jobs",),
}
"""File -> what ``kubectl get`` is asked for."""


def write(play: Play, folder: Path) -> list[str]:
    """Write it all, and name in ``missing.txt`` what can't be had. Returns file names."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*"):
        if old.is_file():
            old.unlink()
    missing: list[str] = []
    for name, text in _objects(play.desk, missing):
        (folder / f"{name}.json").write_text(text)
    events = list(play.events.values())
    _save(folder / "events.json", events)
    entries = timeline(play.observations, events)
    _save(folder / "timeline.json", entries)
    _save(folder / "decisions.json", decisions(play.observations))
    _save(folder / "acts.json", [acts_entry(record) for record in play.records])
    end = max([play.began + 1.0, *(record.ended for record in play.records)])
    panels = dict(_metrics(play.desk.place.prometheus, play.began, end, missing))
    for name, lines in panels.items():
        _write_csv(folder / f"metric-{name}.csv", lines)
    _logs(play, folder, missing)
    reports = _paper_reports(play.desk, folder, missing)
    changes = [(_moment(row["at"]), row["what"]) for row in entries if row["source"] == "status"]
    marks = [(f"act {record.number}", record.began) for record in play.records]
    figure = plots.timeline(plots.bands(changes, end), marks, panels, play.began)
    (folder / "timeline.svg").write_text(figure)
    if missing:
        (folder / "missing.txt").write_text("\n".join(missing) + "\n")
    files = sorted(path.name for path in folder.iterdir())
    page = summary.page(play.records, figure, entries, files, reports, missing)
    (folder / "summary.html").write_text(page)
    return [*files, "summary.html"]


def timeline(observations: Sequence[Observation], events: Iterable[Json]) -> list[dict[str, str]]:
    """Changes of phase of every status seen, and Events, each once, in order of time (UTC, ISO 8601)."""
    seen: dict[tuple[str, str, str], dict[str, str]] = {}
    for observation in observations:
        for entry in observation.status.get("history") or ():
            row = {"at": entry["at"], "source": "status", "what": entry["phase"], "message": entry["message"]}
            seen.setdefault((row["at"], row["what"], row["message"]), row)
    for event in events:
        kind = event["involvedObject"]["kind"]
        if kind != "QuotingPolicy" or event.get("reason") == "PhaseChanged":  # history says the same
            continue
        row = {
            "at": str(
                event.get("eventTime") or event.get("lastTimestamp") or event["metadata"]["creationTimestamp"]
            ),
            "source": "Event",
            "what": event.get("reason", ""),
            "message": event.get("message", ""),
        }
        seen.setdefault((row["at"], row["what"], row["message"]), row)
    return sorted(seen.values(), key=lambda row: _moment(row["at"]))


def decisions(observations: Sequence[Observation]) -> list[dict[str, Any]]:
    """Each change of phase, step or exposure, with the evidence as it stood just before it."""
    made: list[dict[str, Any]] = []
    for before, after in pairwise(observations):
        if (was := _standing(before.status)) != (now := _standing(after.status)):
            made.append(
                {
                    "at": datetime.fromtimestamp(after.at, UTC).isoformat(timespec="milliseconds"),
                    "from": was,
                    "to": now,
                    "message": after.status.get("message", ""),
                    "inputs": {
                        name: before.status.get(name)
                        for name in ("gates", "paper", "conformance", "rehearsal", "rollback", "conditions")
                    },
                    "rollback": after.status.get("rollback"),
                }
            )
    return made


def acts_entry(record: ActRecord) -> dict[str, Any]:
    """An act for programs."""
    return {
        "number": record.number,
        "title": record.title,
        "seconds": round(record.seconds, 3),
        "failure": record.failure,
        "facts": [{"what": fact.what, "seconds": fact.seconds} for fact in record.facts],
    }


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _standing(status: Json) -> dict[str, Any]:
    effective = status.get("effective") or {}
    return {
        "phase": status.get("phase"),
        "step": status.get("step"),
        "digest": effective.get("digest"),
        "exposurePercent": effective.get("exposurePercent"),
    }


def _objects(desk: Desk, missing: list[str]) -> Iterable[tuple[str, str]]:
    for name, words in OBJECTS.items():
        try:
            yield name, desk.here("get", *words, "-o", "json")
        except ClusterError as error:
            missing.append(f"{name}: {error}")


def _metrics(url: str, start: float, end: float, missing: list[str]) -> Iterable[tuple[str, list[Series]]]:
    for name, query in QUERIES.items():
        try:
            yield name, read(url, query, start, end)
        except ClusterError as error:
            missing.append(f"metric {name}: {error}")


def _logs(play: Play, folder: Path, missing: list[str]) -> None:
    for record in play.records:
        if record.number in play.venue_logs:
            (folder / f"venue-act{record.number}.log").write_text(play.venue_logs[record.number])
        else:
            missing.append(f"log of the venue in act {record.number}")
    try:
        words = (*SYSTEM, "logs", "deploy/quoting-operator", "--tail=5000")
        (folder / "operator.log").write_text(play.desk.kubectl(*words))
    except ClusterError as error:
        missing.append(f"log of the operator: {error}")


def _paper_reports(desk: Desk, folder: Path, missing: list[str]) -> list[str]:
    """Paper reports that the operator's Jobs have stored, unpacked."""
    try:
        maps = desk.get("configmap")["items"]
    except ClusterError as error:
        missing.append(f"paper reports: {error}")
        return []
    written = []
    for found in maps:
        if packed := (found.get("binaryData") or {}).get("report.html.gz"):
            name = f"{found['metadata']['name']}.html"
            (folder / name).write_bytes(gzip.decompress(base64.b64decode(packed)))
            written.append(name)
    return written


def _save(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")


def _write_csv(path: Path, lines: Sequence[Series]) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("unix_s", "series", "value"))
        for line in lines:
            rows.writerows((at, line.label, value) for at, value in zip(line.at, line.values, strict=True))
