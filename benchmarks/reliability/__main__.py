"""Run one of the commands."""

import importlib
import sys

COMMANDS = ("interrupts", "memory", "sameness", "disks")


def main(arguments: list[str]) -> int:
    """Run a command with the arguments that follow it."""
    if not arguments or arguments[0] not in COMMANDS:
        print(f"usage: python -m benchmarks.reliability {{{','.join(COMMANDS)}}} …")
        return 2
    module = importlib.import_module(f"benchmarks.reliability.{arguments[0]}")
    return int(module.main(arguments[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
