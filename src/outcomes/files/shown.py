"""Text that stays text: words that no terminal obeys."""

from __future__ import annotations

import unicodedata

_SHOWN = {"\n", "\t"}
_UNSEEN = {"Cc", "Cf", "Zl", "Zp"}
"""Controls, formats (direction marks, zero-width signs), and separators of lines that are no line ends."""


def visible(text: str) -> str:
    """Return a text for the terminal, in which a control or direction mark is shown by its number and not obeyed."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"<U+{ord(c):04X}>" if c not in _SHOWN and unicodedata.category(c) in _UNSEEN else c for c in text)
