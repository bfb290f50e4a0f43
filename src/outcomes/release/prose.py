"""Sentences as a notebook shows them: paragraphs to be read, not lines of a terminal."""

from __future__ import annotations

from dataclasses import dataclass

from outcomes.release.model import Sentence

NOTHING = "Nothing to say here."
"""Below a heading that asks something, "None." reads as an answer to it."""


@dataclass(frozen=True, init=False, repr=False)
class Prose:
    """Sentences in the order given; printed, one a line, and in a notebook one a paragraph, each with its tag.

    Parameters
    ----------
    *sentences : Sentence or str
        A plain text has no tag. Where there are none, `NOTHING` is shown.
    """

    sentences: tuple[Sentence | str, ...]

    def __init__(self, *sentences: Sentence | str) -> None:
        object.__setattr__(self, "sentences", sentences or (NOTHING,))

    def __str__(self) -> str:
        return "\n".join(str(sentence) for sentence in self.sentences)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from outcomes.release.render_html import environment

        return environment().get_template("prose.html.j2").render(sentences=self.sentences)
