"""One way to compile a hot function: cached on disk, GIL released, signature kept for the type checker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile ``function`` with numba; dividing floats by zero gives inf or nan, as in numpy.

    Numba keys its disk cache on the file of the function alone: after editing a function that another
    file's compiled function calls, delete the ``__pycache__`` folders.
    """
    return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def inner(function: Function) -> Function:
    """As :func:`compiled`, for a function that only compiled code calls: it is no entry for Python, and is
    ready in half the time."""
    options = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy", **options)(function))
