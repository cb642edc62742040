#!/usr/bin/env python3
"""Paper Round's command line: Django's, and before it what a bare machine needs (see config/bootstrap.py)."""

import sys


def main() -> None:
    from config import bootstrap

    bootstrap.prepare(sys.argv[1:])
    from config import start

    start.run(sys.argv)


if __name__ == "__main__":
    main()
