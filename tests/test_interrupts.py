"""Signals that end a run."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from realtime.__main__ import main
from realtime.interrupts import CalmExitStack, bouncing, take_for_ctrl_c


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {getattr(signal, name): signal.getsignal(getattr(signal, name)) for name in names}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_presses_within_the_time_are_one() -> None:
    now = 10.0
    with bouncing(1.0, since=9.5, clock=lambda: now):
        signal.raise_signal(signal.SIGINT)
        now = 10.4
        signal.raise_signal(signal.SIGINT)
        now = 10.6
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_the_time_begins_with_the_first_press() -> None:
    now = 10.0
    with bouncing(1.0, clock=lambda: now):
        now = 50.0
        signal.raise_signal(signal.SIGINT)
        now = 52.0
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_while_everything_is_closed_a_bounce_takes_the_place_of_nothing() -> None:
    """Not of what tells how a run was interrupted, nor of what is closed next."""
    closed: list[str] = []

    def run() -> None:
        with CalmExitStack() as stack:
            stack.callback(closed.append, "last")
            stack.callback(signal.raise_signal, signal.SIGINT)
            raise ValueError("what there is to tell")

    with pytest.raises(ValueError, match="what there is to tell"):
        run()
    assert closed == ["last"]


def test_a_callers_own_handler_stays() -> None:
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    with bouncing(1.0):
        signal.raise_signal(signal.SIGINT)
    assert came == [signal.SIGINT]


def test_elsewhere_than_in_the_main_thread_nothing_changes() -> None:
    done: list[bool] = []

    def work() -> None:
        with bouncing(1.0):
            done.append(signal.getsignal(signal.SIGINT) is signal.default_int_handler)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_closed_terminal_is_like_ctrl_c_but_nohup_means_it() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    take_for_ctrl_c()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGHUP)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    take_for_ctrl_c()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGHUP)


def test_ctrl_c_while_the_program_still_loads_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pressed:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "realtime.cli":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "realtime.cli", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Pressed(), *sys.meta_path])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 130
