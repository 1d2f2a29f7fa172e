"""Names that completion offers, read from the cluster."""

from __future__ import annotations

from collections.abc import Sequence

from quoting_operator.adapters.kube import KILL_SWITCHES, QUOTING_POLICIES, KubeError
from quoting_operator.adapters.kubeconfig import Access, connect


async def names(verb: str, before: Sequence[str]) -> list[str]:
    """Engaged switches for `release`, policies of the namespace for anything else."""
    access = Access(
        kubeconfig=given("--kubeconfig", before),
        context=given("--context", before),
        user=given("--as", before),
    )
    try:
        async with connect(access) as (kube, namespace):
            if verb == "release":
                found, _ = await kube.list_all(KILL_SWITCHES)
                found = [switch for switch in found if switch["spec"].get("engaged")]
            else:
                place = given("--namespace", before) or given("-n", before) or namespace
                found, _ = await kube.list_all(QUOTING_POLICIES, place)
    except KubeError:
        return []
    return sorted(item["metadata"]["name"] for item in found)


def given(option: str, words: Sequence[str]) -> str:
    """The value of an option among words, empty where it is not there."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == option:
            return following
        if word.startswith(f"{option}="):
            return word.removeprefix(f"{option}=")
    return ""
