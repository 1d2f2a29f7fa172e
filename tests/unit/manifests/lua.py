"""Lua as Argo CD runs it: version 5.1 with the base and table libraries and no other."""

from __future__ import annotations

from typing import Any

from lupa import lua51

# Without the string library texts have no methods either.
_NARROW = "string, io, os, debug, package, require, math = nil; getmetatable('').__index = nil"


def ran(script: str, obj: dict[str, Any]) -> Any:
    """What a script returns for an object. Raises lupa.LuaError where the script fails."""
    runtime = lua51.LuaRuntime(unpack_returned_tuples=True, register_eval=False, register_builtins=False)
    # getmetatable of a text is taken away by the narrowing itself, so it comes first.
    runtime.execute(_NARROW)
    runtime.globals().obj = runtime.table_from(obj, recursive=True)
    runtime.globals().actionParams = runtime.table()
    return _plain(runtime.execute(script))


def _plain(value: Any) -> Any:
    if not lua51.lua_type(value):
        return value
    keys = list(value.keys())
    if keys and keys == list(range(1, len(keys) + 1)):
        return [_plain(item) for item in value.values()]
    return {key: _plain(item) for key, item in value.items()}
