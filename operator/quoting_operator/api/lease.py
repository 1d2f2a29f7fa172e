"""Authority as a Lease carries it: the operator renews it, sidecars read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quoting_policy.domain import Authority, Stage
from quoting_policy.errors import InputError

DIGEST, STAGE = "quoting.dev/digest", "quoting.dev/stage"
EXPOSURE = "quoting.dev/exposure-percent"
BLOCK, WASHOUT = "quoting.dev/block-seconds", "quoting.dev/washout-seconds"


def authority_of(lease: Mapping[str, Any]) -> Authority:
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


def renewed_at(lease: Mapping[str, Any]) -> str:
    """The operator's time stamp of the last renewal; only ever compared with another one."""
    return str((lease.get("spec") or {}).get("renewTime", ""))
