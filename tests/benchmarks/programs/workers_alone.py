"""`python -m workers` in which no message shares its transaction with another."""

import sys

from workers import grouping
from workers.__main__ import main

if __name__ == "__main__":
    grouping.MOST = 1  # type: ignore[misc]  # what is measured is the worker without this
    sys.exit(main(sys.argv[1:]))
