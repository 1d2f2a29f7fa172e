"""What ends a command of the plugin other than its answer."""

from __future__ import annotations


class PluginError(Exception):
    """The command cannot be done; the message, one line, is all that the user is told."""
