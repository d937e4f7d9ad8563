"""A contestant is a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.loops import to_null
from benchmarks.race import Unavailable
from benchmarks.race_process import launched


class TestLaunching:
    def test_a_process_is_measured(self) -> None:
        code = "x = bytearray(60_000_000); print(sum(i * i for i in range(300_000)))"
        took = launched([sys.executable, "-c", code])
        assert took["status"] == 0
        assert took["seconds"] > 0
        assert took["user"] > 0
        # Its memory, and not that of the tests which started it.
        assert 60 < took["peak_mb"] < 100

    def test_what_it_answers_is_kept(self) -> None:
        code = "print('ready'); print('{\"frames\": 5}')"
        assert launched([sys.executable, "-c", code])["answer"] == {"frames": 5}
        for other in ("print('done')", "print(5)", ""):
            assert launched([sys.executable, "-c", other])["answer"] == {}

    def test_ours_says_why_it_fails_where_it_writes_nothing(self) -> None:
        command = [sys.executable, "-m", to_null.__name__, "/nowhere.mp4", "fast"]
        with pytest.raises(Unavailable, match=r"^failed: /nowhere\.mp4: no such file"):
            launched(command)

    def test_a_failure_says_why(self) -> None:
        with pytest.raises(Unavailable, match=r"^failed: ValueError: no good$"):
            launched([sys.executable, "-c", "raise ValueError('no good')"])
        with pytest.raises(Unavailable, match=r"^failed: status 3$"):
            launched([sys.executable, "-c", "raise SystemExit(3)"])
        with pytest.raises(Unavailable, match=r"^cannot be started: .*nowhere"):
            launched(["/nowhere/to/be/found"])

    @pytest.mark.parametrize("hangs", [True, False])
    def test_nothing_of_a_contestant_outlives_it(self, hangs: bool, tmp_path: Path) -> None:
        fcntl = pytest.importorskip("fcntl")
        held, survived = tmp_path / "held", tmp_path / "survived"
        helper = (
            "import fcntl, os, sys, time\n"
            f"lock = open({str(held)!r}, 'w')\n"
            "fcntl.flock(lock, fcntl.LOCK_EX)\n"
            "os.write(int(sys.argv[1]), b'locked')\n"
            "time.sleep(15)\n"
            f"open({str(survived)!r}, 'w').close()\n"
        )
        # It starts a helper, waits until this runs, and then hangs or leaves it behind.
        code = (
            "import os, subprocess, sys, time\n"
            "read, write = os.pipe()\n"
            f"command = [sys.executable, '-I', '-S', '-c', {helper!r}, str(write)]\n"
            "null = subprocess.DEVNULL\n"
            "subprocess.Popen(command, stdout=null, stderr=null, pass_fds=[write])\n"
            "os.read(read, 6)\n"
            f"time.sleep({15 * hangs})\n"
        )
        command = [sys.executable, "-I", "-S", "-c", code]
        if hangs:
            with pytest.raises(Unavailable, match=r"^took more than 3 s$"):
                launched(command, patience=3)
        else:
            assert launched(command)["status"] == 0
        with held.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # Which its end gives free.
        assert not survived.exists()
