"""A thread that hands its failure over."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import traceback

import pytest

from realtime.worker import Worker

# Interrupts the waits of many workers, each somewhere; with a Condition in them, a lock stays taken
# within the first twenty.
_INTERRUPTING = """
import random, signal, threading
from realtime.worker import Worker

signal.signal(signal.SIGALRM, signal.default_int_handler)
random.seed(1)
interrupted = 0
for _ in range(1000):
    go = threading.Lock()
    go.acquire()
    worker = Worker("inference", go.acquire, lambda: None)
    worker.start()
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 2e-4))
        while True:
            worker.wait(0)
    except KeyboardInterrupt:
        interrupted += 1
    go.release()
    worker.join()
print(interrupted)
"""


def test_it_runs_the_work_in_a_named_thread() -> None:
    names: list[str] = []
    worker = Worker("capture", lambda: names.append(threading.current_thread().name), lambda: None)
    worker.start()
    worker.join()
    assert names == ["realtime-capture"]
    assert worker.error is None


def test_a_failure_is_kept_with_its_traceback_and_announced() -> None:
    announced: list[bool] = []

    def fail_here() -> None:
        raise LookupError("broken")

    worker = Worker("output", fail_here, lambda: announced.append(True))
    worker.start()
    worker.join()
    assert isinstance(worker.error, LookupError)
    assert announced == [True]
    assert "fail_here" in "".join(traceback.format_exception(worker.error))


def test_waiting_gives_up_after_the_timeout() -> None:
    release = threading.Event()

    def work() -> None:
        release.wait(5)

    worker = Worker("inference", work, lambda: None)
    worker.start()
    assert not worker.wait(0.01)
    release.set()
    assert worker.wait(5)
    worker.join()


def test_one_that_was_never_started_need_not_be_waited_for() -> None:
    Worker("inference", lambda: None, lambda: None).join()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="nothing interrupts so precisely here")
def test_a_ctrl_c_at_any_moment_of_a_wait_leaves_nobody_waiting() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _INTERRUPTING],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "1000\n"
