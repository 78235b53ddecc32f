"""The command `rebound`."""

import signal
import sys

from . import _errors, _rebound


def main() -> None:
    """Runs the command with the arguments of the process, as the program of the same name."""
    # Python only notes a Ctrl-C, and looks at it when its own code goes on.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    code = _rebound.main(["rebound", *sys.argv[1:]])
    sys.stdout.flush()
    sys.exit(code)


if __name__ == "__main__":
    main()
