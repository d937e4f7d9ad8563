"""Runs a command and says what it took, as a line of JSON on stdout.

    python -I -S launch.py SAID COMMAND…      what the command itself says there goes to a file

A process begins with the memory of the one that started it, as far as the system counts its
maximum; this one is small.
"""

import json
import os
import subprocess
import sys
import time


def main() -> int:
    with open(sys.argv[1], "wb") as said:
        begin = time.perf_counter()
        process = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=said)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    print(
        json.dumps(
            {
                "status": process.returncode,
                "seconds": seconds,
                "user": usage.ru_utime,
                "system": usage.ru_stime,
                "peak_mb": usage.ru_maxrss * unit / 1e6,
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
