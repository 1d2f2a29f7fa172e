"""Acting as different people."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Kube, KubectlError
from tests.resources import Json


class People:
    """Acts as different people; each has the roles of its name."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.kube, self.namespace = kube, namespace

    def bind(self, user: str, *roles: str) -> str:
        name = f"{user}-{self.namespace}"
        for role in roles:
            words = (f"--clusterrole={role}", f"--user={name}")
            self.kube.kubectl("create", "clusterrolebinding", f"{name}-{role}", *words)
        return name

    def unbind(self) -> None:
        bindings = self.kube.kubectl("get", "clusterrolebindings", "-o", "name").split()
        mine = [binding for binding in bindings if self.namespace in binding]
        if mine:
            self.kube.kubectl("delete", "--ignore-not-found", *mine)

    def apply(self, user: str, resource: Json) -> None:
        words = ("apply", "-n", self.namespace, f"--as={user}", "-f", "-")
        self.kube.kubectl(*words, given=json.dumps(resource))

    def refused(self, user: str, resource: Json) -> str:
        with pytest.raises(KubectlError) as error:
            self.apply(user, resource)
        return str(error.value)
