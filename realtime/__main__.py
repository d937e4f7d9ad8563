"""`realtime`, which is `python -m realtime` too."""

from __future__ import annotations

import atexit
import gc
import sys

from realtime.interrupts import INTERRUPTED


def main() -> None:
    """Entry point of the `realtime` command."""
    try:
        from realtime.cli import main as run
    except KeyboardInterrupt:
        # Nothing has begun that would be worth a word.
        sys.exit(INTERRUPTED)
    # Python would search what the modules hold for garbage on exit: half of what leaving takes.
    atexit.register(gc.freeze)
    run()


if __name__ == "__main__":
    main()
