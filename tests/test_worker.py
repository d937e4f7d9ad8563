"""A thread that hands its failure over."""

from __future__ import annotations

import threading
import traceback

from realtime.worker import Worker


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
