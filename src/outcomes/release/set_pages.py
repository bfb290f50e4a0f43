"""The process that sets a PDF: what typst is told comes in as JSON, the document goes out.

`render_pdf` starts it by its path, and it imports nothing of the package. It is a process of its own, and never a copy
of one: typst sets pages in threads that it keeps, and a copy of a process whose threads it waits for never answers.
"""

from __future__ import annotations

import json
import sys


def main() -> None:
    """Read the settings from the standard input and write the document to the standard output."""
    asked = json.load(sys.stdin.buffer)
    sys.path.append(asked.pop("packages"))
    import typst

    sys.stdout.buffer.write(typst.compile(asked.pop("template"), **asked))


if __name__ == "__main__":
    main()
