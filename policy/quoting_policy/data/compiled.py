"""One way to compile a hot function: cached on disk, GIL released, divisions as numpy does them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

Compiled = Callable[..., Any]
"""A compiled function takes numpy's numbers as well as Python's; numba checks its types, not mypy."""


def compiled(function: Callable[..., Any]) -> Compiled:
    """Compile ``function`` with numba; dividing floats by zero gives inf or nan, as in numpy.

    Numba keys its disk cache on the file of the function alone: after editing a function that another
    file's compiled function calls, delete the ``__pycache__`` folders.
    """
    compile_: Any = numba.njit(cache=True, nogil=True, error_model="numpy")
    return compile_(function)  # type: ignore[no-any-return]  # numba's decorator is typed for plain calls only


def inner(function: Callable[..., Any]) -> Compiled:
    """As :func:`compiled`, for a function that only compiled code calls.

    It is no entry for Python, and so is ready sooner.
    """
    options: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    compile_: Any = numba.njit(cache=True, nogil=True, error_model="numpy", **options)
    return compile_(function)  # type: ignore[no-any-return]  # as above
