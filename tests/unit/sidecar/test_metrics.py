"""What a pod says to Prometheus."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.unit.gates.pods import Pod


def test_every_series_says_whose_policy_it_is_and_keeps_its_own_labels() -> None:
    pod = Pod()
    for _ in range(50):
        pod.step()
    samples = [sample for family in text_string_to_metric_families(pod.text()) for sample in family.samples]
    assert {sample.labels["policy"] for sample in samples} == {"btc"}
    sealed = next(sample for sample in samples if sample.name == "quoting_sealed_markout_gain_total")
    assert set(sealed.labels) == {"policy", "instrument", "digest", "arm", "horizon"}
