"""Our own program on a clip, writing nothing: what `realtime file` does, without sound and file.

    python -m benchmarks.loops.to_null CLIP MODEL [SECONDS]

Says {"frames": …, "model": …} on stdout, the network being the one that was run, or {"error": …}.
"""

import json
import sys
from contextlib import ExitStack

from realtime.cores import keep_numpy_to_its_caller, keep_opencv_to_its_caller
from realtime.errors import RealtimeError


def main(clip: str, model: str, seconds: str | None = None) -> int:
    # As the command line does, before NumPy is imported: what brings it comes after.
    keep_numpy_to_its_caller()
    from realtime.bench.whole import open_file
    from realtime.output.sink import NullSink

    keep_opencv_to_its_caller()
    limit = None if seconds is None else float(seconds)
    try:
        with ExitStack() as stack:
            summary = open_file(stack, clip, NullSink(), model=model, seconds=limit).run()
    except RealtimeError as error:
        print(json.dumps({"error": str(error)}))
        return 1
    print(json.dumps({"frames": summary.frames_out, "model": summary.model}))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
