"""``quoting simulate``: a published model with its published statistics."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import get_args

import msgspec
from pydantic.alias_generators import to_camel

from quoting_policy.sim.avellaneda_stoikov import Fills, Outcome, Setting, Strategy, simulate

_NUMBERS = (
    ("gamma", "risk aversion, 1/(price·lot), >= 0"),
    ("sigma", "volatility of the mid, price/√s, >= 0"),
    ("k", "decay of the fill intensity, 1/price, > 0"),
    ("A", "fill intensity at the mid, 1/s, > 0"),
    ("dt", "time step, s, > 0"),
    ("horizon", "length of a path, s, >= dt"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    models = parser.add_subparsers(dest="simulation", required=True, metavar="MODEL")
    summary = "the simulation of Avellaneda and Stoikov (2008), section 3.3"
    published = models.add_parser("avellaneda-stoikov", help=summary, description=summary)
    for name, meaning in _NUMBERS:
        published.add_argument(f"--{name}", type=float, required=True, help=meaning)
    published.add_argument("--paths", type=int, default=1000, help="number of paths, >= 2 (1000)")
    published.add_argument("--seed", type=int, default=0, help="seed of the random numbers (0)")
    published.add_argument("--strategy", choices=get_args(Strategy), default="inventory")
    published.add_argument(
        "--fills", choices=get_args(Fills), default="exact", help="chance λ·dt, or exactly 1 - exp(-λ·dt)"
    )
    published.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the statistics of one simulation."""
    names = [name for name, _ in _NUMBERS] + ["paths", "seed", "strategy", "fills"]
    outcome = simulate(Setting(**{name: getattr(args, name) for name in names}))
    figures = {to_camel(name): value for name, value in asdict(outcome).items()}
    print(msgspec.json.encode(figures).decode() if args.json else _text(outcome))
    return 0


def _text(outcome: Outcome) -> str:
    return "\n".join(f"{name.replace('_', ' '):<22}{value:g}" for name, value in asdict(outcome).items())
