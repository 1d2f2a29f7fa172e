"""Headless commands of the policy side; `quoting` dispatches to them."""
