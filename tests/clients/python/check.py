"""What the scripts of all clients share."""

import sys

# The address of the example, passed by `tests/clients/run`.
ADDRESS = sys.argv[1]


def check(what, got, expected):
    """Asserts the result of a client, and prints a line."""
    assert got == expected, f"{what}: {got!r} is not {expected!r}"
    print(f"  {what}")
