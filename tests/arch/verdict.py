"""How a check of the house ends: each breach in a line of its own, then the verdict."""
import sys


def give(errors, complaint, praise):
    """Prints the errors and ends with `N complaint`, or prints `praise` if there are none."""
    for error in errors:
        print(error, flush=True)
    if errors:
        sys.exit(f"{len(errors)} {complaint}")
    print(praise)
