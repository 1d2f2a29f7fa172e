"""One way to compile a hot function: cached on disk, GIL released, divisions as numpy does them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

Compiled = Callable[..., Any]
"""A compiled function takes numpy's numbers as well as Python's; numba checks its types, not mypy."""


_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
_BORROWING: dict[str, Any] = {"_nrt": False}
"""Arrays belong to whoever called from Python and are not counted: counting them up and down again, with
atomic instructions, takes longer than what is done with a row. Such a function can make no arrays."""
_NO_ENTRY: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def compiled(function: Callable[..., Any]) -> Compiled:
    """Compile ``function`` with numba; dividing floats by zero gives inf or nan, as in numpy.

    Numba keys its disk cache on the file of the function alone: after editing a function that another
    file's compiled function calls, delete the ``__pycache__`` folders.
    """
    return _compile(function)


def kernel(function: Callable[..., Any]) -> Compiled:
    """As :func:`compiled`, for what makes no arrays: several times as fast where a row is cheap."""
    return _compile(function, **_BORROWING)


def inner(function: Callable[..., Any]) -> Compiled:
    """As :func:`kernel`, for a function that only compiled code calls.

    It is no entry for Python, and so is ready sooner.
    """
    return _compile(function, **_BORROWING, **_NO_ENTRY)


def flat(function: Callable[..., Any]) -> Compiled:
    """As :func:`inner`, always merged into its caller: for what runs once a row."""
    return _compile(function, **_BORROWING, **_NO_ENTRY, forceinline=True)


def lending(function: Callable[..., Any]) -> Compiled:
    """As :func:`flat`, for what gives out an array: numba allows that only where it counts them."""
    return _compile(function, **_NO_ENTRY, _nrt=True, forceinline=True)


def _compile(function: Callable[..., Any], **options: Any) -> Compiled:
    compile_: Any = numba.njit(**_OPTIONS, **options)
    return compile_(function)  # type: ignore[no-any-return]  # numba's decorator is typed for plain calls only
