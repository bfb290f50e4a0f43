"""Keep matrix products to one thread while a question is worked out.

Threads of the matrix library wait in a loop beside threads of our own, which made a comparison ten times slower; and
how many there are decides the order of sums, so the last digit. The command line forbids them by its environment before
numpy is loaded; a notebook or script has loaded it long before.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def one_thread(question: Callable[P, R]) -> Callable[P, R]:
    """Return the function, which then runs with one thread of the matrix library and leaves the number as it was."""

    @functools.wraps(question)
    def asked(*args: P.args, **kwargs: P.kwargs) -> R:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(limits=1, user_api="blas"):
            return question(*args, **kwargs)

    return asked
