"""Compile a loop over numbers by numba, and keep what was compiled.

Numba trusts what it kept by the date of the file a function stands in. A compiled function therefore calls others of
its own file only: one that called into another file would go on with what that file said before it was changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile at the first call, and keep the result beside the module or in the user's cache folder."""
    try:
        return njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:
        # No folder can be written to, as in some containers: each process compiles for itself.
        return njit(nogil=True, error_model="numpy")(function)
