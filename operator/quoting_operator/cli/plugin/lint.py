"""`lint FILE...`: what the API server and the operator would refuse, before anything is applied."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from quoting_operator.cli.plugin import screen
from quoting_operator.cli.plugin.lint_objects import RISK_KIND, checked_objects, kind_of
from quoting_operator.cli.plugin.style import Tone
from quoting_operator.cli.plugin.words import plural
from quoting_policy.errors import InputError

ERRORS_FOUND = 1
_ENDINGS = (".yaml", ".yml", ".json")


class Found(NamedTuple):
    """An object and the file that it is in."""

    file: str
    content: dict[str, Any]

    @property
    def name(self) -> str:
        """Kind and name, as kubectl writes them."""
        metadata = self.content.get("metadata")
        name = metadata.get("name", "?") if isinstance(metadata, dict) else "?"
        return f"{self.content.get('kind', '?')}/{name}"


def configure(parser: argparse.ArgumentParser, verb: str) -> None:
    """Add the arguments."""
    del verb
    parser.add_argument(
        "files", metavar="FILE", nargs="+", help="YAML or JSON, a folder of it, or - for stdin"
    )


def run(args: argparse.Namespace) -> int:
    """Print one line an error; 1 where there are any."""
    objects, errors = [], 0
    for file in _files(args.files):
        try:
            objects += [Found(file, content) for content in _objects(file)]
        except yaml.YAMLError as error:
            print(f"{file}: not YAML: {' '.join(str(error).split())}")
            errors += 1
    ours = [found for found in objects if kind_of(found.content)]
    for found, problem in checked_objects(ours):
        print(f"{found.file}: {found.name}: {problem}")
        errors += 1
    style = screen.style()
    if errors:
        print(f"{style.mark(Tone.BAD)} {plural(errors, 'error')}", file=sys.stderr)
        return ERRORS_FOUND
    risk = sum(kind_of(found.content) == RISK_KIND for found in ours)
    limits = f", {risk} of them risk limits" if risk else ""
    print(
        f"{style.mark(Tone.GOOD)} {plural(len(ours), 'object')} checked{limits}; no errors", file=sys.stderr
    )
    return 0


def _files(given: Iterable[str]) -> Iterator[str]:
    for name in given:
        path = Path(name)
        if name != "-" and path.is_dir():
            yield from sorted(str(p) for p in path.rglob("*") if p.suffix in _ENDINGS)
        else:
            yield name


def _objects(file: str) -> list[dict[str, Any]]:
    """Objects of a file; a List is opened."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        words = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise InputError("FILE", file, "a readable file", words or "") from None
    found: list[dict[str, Any]] = []
    for document in yaml.load_all(text, Loader=_Strict):
        if isinstance(document, dict):
            listed = document.get("items") if document.get("kind") == "List" else None
            found += [each for each in listed if isinstance(each, dict)] if listed else [document]
    return found


class _Strict(yaml.SafeLoader):
    """Reads times as text, as JSON does, and refuses a key that is there twice, as the API server does."""

    yaml_implicit_resolvers = {  # noqa: RUF012  PyYAML's own
        first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping. Raises ConstructorError for a key that is there twice."""
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key.value!r} twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)
