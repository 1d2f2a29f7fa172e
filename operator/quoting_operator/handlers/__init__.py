"""Thin kopf shims: parse, decide, patch."""
