"""What all clients' scripts use."""

import sys

# Where the example listens, as `tests/clients/run` says it.
ADDRESS = sys.argv[1]


def check(what, got, expected):
    """Asserts that a client got what it should, and prints a line."""
    assert got == expected, f"{what}: {got!r} is not {expected!r}"
    print(f"  {what}")
