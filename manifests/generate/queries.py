"""PromQL that panels share. `by` and labels as PromQL writes them, metrics without their prefix quoting_."""

from __future__ import annotations

ONE = 'namespace="$namespace",policy="$policy"'
SOME = 'namespace=~"$namespace",policy=~"$policy"'
POD = f'{SOME},pod=~"$pod"'
OURS = 'namespace="quoting-system"'
RATE = "[$__rate_interval]"


def rate(metric: str, labels: str, by: str) -> str:
    """Growth of a counter, per second."""
    return f"sum by ({by}) (rate(quoting_{metric}_total{{{labels}}}{RATE}))"


def net(name: str, labels: str, by: str) -> str:
    """Gains less losses, per second."""
    return f"{rate(f'{name}_gain', labels, by)} - {rate(f'{name}_loss', labels, by)}"


def last(metric: str, labels: str, by: str, how: str = "max") -> str:
    """A gauge as it is, one value for each of `by`."""
    return f"{how} by ({by}) (quoting_{metric}{{{labels}}})"
