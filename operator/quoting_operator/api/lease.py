"""Authority as a Lease carries it: the operator renews it, sidecars read it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from quoting_operator.api.metadata import owner_of
from quoting_operator.api.policy import POLICY_LABEL
from quoting_policy.domain import Authority, Stage
from quoting_policy.errors import InputError

DIGEST, STAGE = "quoting.dev/digest", "quoting.dev/stage"
EXPOSURE = "quoting.dev/exposure-percent"
BLOCK, WASHOUT = "quoting.dev/block-seconds", "quoting.dev/washout-seconds"
DRILL = "quoting.dev/drill"
HOLDER = "quoting-operator"

Json = Mapping[str, Any]


def authority_of(lease: Json) -> Authority:
    """The authority that a Lease carries.

    Raises InputError naming what is missing or wrong.
    """
    written = (lease.get("metadata") or {}).get("annotations") or {}
    spec = lease.get("spec") or {}
    try:
        return Authority(
            digest=written[DIGEST],
            stage=Stage(written[STAGE]),
            exposure_percent=float(written[EXPOSURE]),
            block_length_s=float(written[BLOCK]),
            washout_s=float(written[WASHOUT]),
            fencing=int(spec["leaseTransitions"]),
            lifetime_s=float(spec["leaseDurationSeconds"]),
        )
    except KeyError as error:
        raise InputError("lease", f"{error.args[0]} is missing", "a Lease written by the operator") from None
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError("lease", str(error), "a Lease written by the operator") from None


def lease_of(
    policy: Json, authority: Authority, fencing: int, now: datetime, drill: str, present: Json | None
) -> dict[str, Any]:
    """The Lease that carries an authority, renewed now.

    drill: id of the rehearsal that sidecars are to carry out, empty for none. present: the Lease that it
    takes the place of, which must still be the one at hand when it is written.
    """
    stamp = now.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    annotations = {
        DIGEST: authority.digest,
        STAGE: authority.stage.value,
        EXPOSURE: f"{authority.exposure_percent:g}",
        BLOCK: f"{authority.block_length_s:g}",
        WASHOUT: f"{authority.washout_s:g}",
    }
    metadata: dict[str, Any] = {
        "name": policy["metadata"]["name"],
        "namespace": policy["metadata"]["namespace"],
        "labels": {POLICY_LABEL: policy["metadata"]["name"]},
        "annotations": annotations | ({DRILL: drill} if drill else {}),
        "ownerReferences": [owner_of(policy)],
    }
    if present is not None:
        metadata["resourceVersion"] = present["metadata"].get("resourceVersion", "")
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": {
            "holderIdentity": HOLDER,
            "leaseDurationSeconds": round(authority.lifetime_s),
            "leaseTransitions": fencing,
            "renewTime": stamp,
        },
    }


def same_terms(lease: Json, wanted: Authority) -> bool:
    """Whether a Lease carries this authority, whatever its number; one that cannot be read does not."""
    try:
        return msgspec.structs.replace(authority_of(lease), fencing=wanted.fencing) == wanted
    except InputError:
        return False


def fencing_of(lease: Json) -> int:
    """Number of the grant, 0 where there is none to be read."""
    number = (lease.get("spec") or {}).get("leaseTransitions")
    return number if isinstance(number, int) else 0


def drill_of(lease: Json) -> str:
    """Id of the rehearsal that sidecars are to carry out; empty for none."""
    found: str = ((lease.get("metadata") or {}).get("annotations") or {}).get(DRILL, "")
    return found


def renewed_at(lease: Json) -> str:
    """The operator's time stamp of the last renewal; sidecars only ever compare it with another one."""
    return str((lease.get("spec") or {}).get("renewTime", ""))


def lapsed(lease: Json, now: datetime) -> bool:
    """Whether it was renewed so long ago that sidecars have let it lapse; one that cannot be read has."""
    renewed = renewed_time(lease)
    lifetime = (lease.get("spec") or {}).get("leaseDurationSeconds")
    if renewed is None or not isinstance(lifetime, int):
        return True
    return (now - renewed).total_seconds() > lifetime


def renewed_time(lease: Json) -> datetime | None:
    """When it was renewed by the operator's own clock; None where that cannot be read."""
    try:
        return datetime.fromisoformat(renewed_at(lease))
    except ValueError:
        return None
