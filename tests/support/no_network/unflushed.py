"""No wait for the disk in tests: it takes milliseconds, thousands of times."""

import os


def flush_nothing(file):
    """Take the place of `os.fsync`.

    What a flush is for, a machine that loses its power, no test can see. That there is one, when, and of an open file
    can be seen as before: a closed one is refused.
    """
    os.fstat(file if isinstance(file, int) else file.fileno())
