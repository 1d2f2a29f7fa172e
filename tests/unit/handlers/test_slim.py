"""What is kept of objects: all that a pass reads, and not what only takes memory."""

from __future__ import annotations

from quoting_operator.handlers import slim
from quoting_operator.rollout.observed import ENGINE_CONTAINER

METADATA = {
    "name": "one",
    "namespace": "desk",
    "uid": "u",
    "resourceVersion": "7",
    "labels": {"quoting.dev/policy": "btc"},
    "managedFields": [{"manager": "kubectl"}],
    "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "quoting.dev/digest": "d"},
    "ownerReferences": [{"kind": "Job", "name": "j", "uid": "ju", "controller": True}],
}


def test_who_wrote_what_is_not_kept() -> None:
    found = slim.trimmed({"metadata": METADATA, "spec": {"any": 1}, "status": {"any": 2}})
    assert "managedFields" not in found["metadata"]
    assert found["metadata"]["annotations"] == {"quoting.dev/digest": "d"}
    assert (found["spec"], found["status"]) == ({"any": 1}, {"any": 2})


def test_the_object_itself_stays_as_it_is() -> None:
    slim.trimmed({"metadata": METADATA})
    assert "managedFields" in METADATA
    assert len(METADATA["annotations"]) == 2


def test_a_pod_keeps_its_containers_and_their_last_words() -> None:
    ended = {"exitCode": 0, "message": "blocks"}
    found = slim.pod(
        {
            "metadata": METADATA,
            "spec": {
                "initContainers": [{"name": ENGINE_CONTAINER, "env": [{"name": "A"}]}],
                "containers": [{"name": "app", "command": ["x"]}],
                "volumes": [{"name": "v"}],
            },
            "status": {
                "phase": "Running",
                "podIP": "10.0.0.1",
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "t"}],
                "containerStatuses": [
                    {"name": "app", "ready": True, "restartCount": 1, "state": {"terminated": ended}}
                ],
            },
        }
    )
    assert found["metadata"]["ownerReferences"] == [{"kind": "Job", "name": "j", "uid": "ju"}]
    assert found["spec"] == {"initContainers": [{"name": ENGINE_CONTAINER}], "containers": [{"name": "app"}]}
    assert found["status"] == {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [
            {"name": "app", "ready": True, "restartCount": 1, "state": {"terminated": ended}}
        ],
    }


def test_a_job_keeps_its_progress_and_not_its_pods_template() -> None:
    status = {"succeeded": 3, "conditions": [{"type": "Failed"}]}
    found = slim.job(
        {"metadata": METADATA, "spec": {"completions": 4, "template": {"spec": {}}}, "status": status}
    )
    assert found["spec"] == {"completions": 4}
    assert found["status"] == status


def test_an_event_keeps_what_it_is_about() -> None:
    found = slim.event(
        {"metadata": METADATA, "reason": "ClampBreached", "message": "m", "source": {"host": "p"}}
    )
    assert (found["reason"], found["message"]) == ("ClampBreached", "m")
    assert found["metadata"]["annotations"] == {"quoting.dev/digest": "d"}
