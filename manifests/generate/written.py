"""How generated files look: YAML with literal blocks for texts, JSON as Grafana exports it."""

from __future__ import annotations

import json
from typing import Any

import yaml

HEADER = "# Written by `make manifests`; edit manifests/generate/ and run it again.\n"


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as literal blocks, nothing by reference."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  theirs
        """Write what occurs twice out twice."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def as_yaml(*documents: Any) -> str:
    """YAML documents, keys in the order given."""
    return HEADER + "---\n".join(map(yaml_text, documents))


def yaml_text(document: Any) -> str:
    """One YAML document, keys in the order given."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=110)


def as_json(document: Any) -> str:
    """JSON, keys in the order given."""
    return json.dumps(document, indent=2) + "\n"
