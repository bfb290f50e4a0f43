"""Import of nbformat without what it does not need."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_ADDRESSES = "rfc3987_syntax"


@contextmanager
def no_address_parsers() -> Iterator[None]:
    """Keep jsonschema, which nbformat imports, from building 38 parsers of international web addresses.

    They take 2.5 s, nearly all of the import, and check a format that no schema of a notebook has. jsonschema goes on
    without them, as where the package is not installed; where they are there already, they stay.
    """
    if _ADDRESSES in sys.modules:
        yield
        return
    sys.modules[_ADDRESSES] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.modules.pop(_ADDRESSES, None)
