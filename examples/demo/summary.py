"""The HTML summary: one file without scripts or links to elsewhere, that also prints. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2

from examples.demo.play import ActRecord

TEMPLATE = Path(__file__).with_name("summary.html.j2")


def page(
    records: Sequence[ActRecord],
    figure: str,
    entries: Sequence[Mapping[str, str]],
    files: Sequence[str],
    reports: Sequence[str],
    missing: Sequence[str],
) -> str:
    """The page. figure: an SVG element. entries: as bundle.timeline makes them."""
    surroundings = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = surroundings.from_string(TEMPLATE.read_text())
    return template.render(
        records=records,
        figure=figure,
        entries=entries,
        files=files,
        reports=reports,
        missing=missing,
        failed=[record for record in records if record.failure],
        seconds=sum(record.seconds for record in records),
        facts=sum(len(record.facts) for record in records),
    )
