"""Where the command ``charrnn`` and ``python -m charrnn`` begin."""

import sys


def main() -> None:
    """The command line; Ctrl-C while Python still imports it ends it as later."""
    try:
        from charrnn.cli import main as command_line
    except KeyboardInterrupt:
        sys.exit(130)
    command_line()


if __name__ == "__main__":
    main()
