"""Differences between two revisions, field by field. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from quoting_operator.cli.plugin.errors import PluginError
from quoting_operator.cli.plugin.style import Style, Tone
from quoting_operator.cli.plugin.tree import aligned
from quoting_operator.cli.plugin.words import short
from quoting_policy.domain import ArmSpec, Revision, canonical_json

_ABSENT = "-"
_ARMS = ("baseline", "candidate")
_RANK = {"baseline": 0, "candidate": 1, "limits": 2, "instrument_limits": 3, "portfolio": 4, "instruments": 5}
_LOOSER_WHEN_SMALLER = frozenset({"min_spread"})
_LIMITS = ("limits.", "instrument_limits.", "portfolio.")


@dataclass(frozen=True, slots=True)
class Change:
    """A field that differs; None on a side that does not have it. note: what it means for a limit."""

    field: str
    before: Any
    after: Any
    note: str = ""


def changes(before: Revision, after: Revision) -> tuple[Change, ...]:
    """Every field that differs, arms first. Lists of instruments are told apart by symbol."""
    return _differences(_flat(before), _flat(after))


def arm_changes(spec: Mapping[str, Any], target: Revision) -> tuple[Change, ...]:
    """What putting a revision's arms into a spec changes, also where the spec is not a valid one."""
    arms = {name: _as_held(spec[name]) for name in _ARMS if isinstance(spec.get(name), Mapping)}
    before = dict(_leaves("", msgspec.json.decode(canonical_json(arms))))
    after = {field: value for field, value in _flat(target).items() if field.split(".")[0] in _ARMS}
    return _differences(before, after)


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    fields = sorted({*before, *after}, key=lambda field: (_RANK.get(field.split(".")[0], 9), field))
    return tuple(
        Change(field, before.get(field), after.get(field), _note(field, before.get(field), after.get(field)))
        for field in fields
        if before.get(field) != after.get(field)
    )


def _as_held(written: Mapping[str, Any]) -> dict[str, Any]:
    """An arm of a spec with the fields of a revision's."""
    weights, secret = ((written.get(x) or {}).get("sha256") for x in ("weightsFrom", "paramsFrom"))
    held = {"model": written.get("model"), "params": written.get("params")}
    return {**held, "weights_sha256": weights, "params_sha256": secret}


def change_lines(found: tuple[Change, ...], style: Style) -> list[str]:
    """Changes as lines: the field, what it was, what it is to be."""
    arrow = "→" if style.unicode else "->"
    return aligned(
        [
            (
                camel(change.field),
                style.paint(_shown(change.before), Tone.BAD),
                arrow,
                style.paint(_shown(change.after), Tone.GOOD),
                change.note,
            )
            for change in found
        ]
    )


def camel(field: str) -> str:
    """A field's path as resources write it."""
    return ".".join(first + "".join(w.capitalize() for w in rest) for first, *rest in _words(field))


def restored(current: Mapping[str, Any], target: Revision) -> list[dict[str, Any]]:
    """JSON patch that puts a revision's arms into the spec of a policy, if nobody has written in between.

    current: the policy. Raises PluginError where the spec does not name a revision's weights or its
    secret parameters.
    """
    spec = current["spec"]
    version = current["metadata"]["resourceVersion"]
    patch: list[dict[str, Any]] = [{"op": "test", "path": "/metadata/resourceVersion", "value": version}]
    for name, arm in (("baseline", target.baseline), ("candidate", target.candidate)):
        if arm is None:
            if name in spec:
                patch.append({"op": "remove", "path": f"/spec/{name}"})
            continue
        written = _written(arm, spec)
        if spec.get(name) != written:
            patch.append({"op": "add", "path": f"/spec/{name}", "value": written})
    return patch


def _written(arm: ArmSpec, spec: Mapping[str, Any]) -> dict[str, Any]:
    """An arm as a spec writes it; weights and secret parameters are where the spec has them already."""
    written: dict[str, Any] = {"model": arm.model, "params": msgspec.to_builtins(arm.params)}
    if arm.params_sha256 is not msgspec.UNSET:
        written["paramsFrom"] = _source(spec, "paramsFrom", arm.params_sha256, "secret parameters")
    if arm.weights_sha256 is not None:
        written["weightsFrom"] = _source(spec, "weightsFrom", arm.weights_sha256, "weights")
    return written


def _source(spec: Mapping[str, Any], field: str, sha256: str, what: str) -> dict[str, Any]:
    for name in _ARMS:
        source: dict[str, Any] | None = (spec.get(name) or {}).get(field)
        if source is not None and source.get("sha256") == sha256:
            return source
    raise PluginError(
        f"the revision has {what} {short(sha256)}, and the spec does not say where they are:"
        f" edit spec.candidate by hand, with {field}"
    )


def _words(field: str) -> Iterator[list[str]]:
    for part in field.split("."):
        # Parameters and symbols are names already.
        yield part.split("_") if part.islower() else [part]


def _flat(revision: Revision) -> dict[str, Any]:
    plain = msgspec.json.decode(canonical_json(revision))
    plain["instruments"] = {instrument["symbol"]: instrument for instrument in plain["instruments"]}
    return dict(_leaves("", plain))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(f"{path}.{key}" if path else key, item)
    elif value is not None:
        yield path, value


def _note(field: str, before: Any, after: Any) -> str:
    """Whether a limit is tightened, which acts at once, or loosened, which is a new attempt."""
    if not field.startswith(_LIMITS) or isinstance(before or after, list):
        return ""
    if before is None or after is None:
        return "tighter" if before is None else "looser"
    smaller = after < before
    return "tighter" if smaller is (field.rpartition(".")[2] not in _LOOSER_WHEN_SMALLER) else "looser"


def _shown(value: Any) -> str:
    return _ABSENT if value is None else canonical_json(value).decode()
