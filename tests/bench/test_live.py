"""Live runs, measured."""

from __future__ import annotations

from typing import Any

import pytest

from realtime.bench import live, timecode
from realtime.cores import usable_cores
from tests.media import gray_frame


class TestLive:
    def _stamped(self, seconds: float) -> Any:
        frame = gray_frame(90, size=(320, 180))
        timecode.draw(frame.planes.y, seconds)
        return frame

    def test_latency_is_read_off_each_distinct_picture(self) -> None:
        times = iter((10.02, 10.04, 10.05, 10.08))
        sink = live.PixelClock(lambda: next(times))
        sink.write(self._stamped(10.0))
        sink.write(self._stamped(10.0))  # again
        sink.write(gray_frame(16, size=(320, 180)))  # a placeholder
        sink.write(self._stamped(10.03))
        assert sink.arrivals == [
            pytest.approx((10.0, 0.02), abs=2e-4),
            pytest.approx((10.03, 0.05), abs=2e-4),
        ]

    def test_figures_count_what_was_due_and_did_not_come(self) -> None:
        # Ten a second; those of 1.4 and 1.5 are missing, and the first is from before.
        arrivals = [(t, 0.02) for t in (0.9, 1.0, 1.1, 1.2, 1.3, 1.6, 1.7, 1.8, 1.9)]
        figures = live._figures(arrivals, 1.0, 2.0, 10)
        assert figures["dropped"] == pytest.approx(0.2)
        assert figures["delivered_fps"] == 8
        assert figures["latency_median_ms"] == figures["latency_p95_ms"] == 20

    def test_a_run_from_which_nothing_came_says_so(self) -> None:
        figures = live._figures([], 1.0, 2.0, 10)
        assert figures["dropped"] == 1
        assert figures["latency_p95_ms"] is None

    def test_the_share_is_that_of_all_cores(self) -> None:
        begin, end = live._Moment(), live._Moment()
        begin.time, begin.cpu = 1.0, 3.0
        end.time, end.cpu = 3.0, 3.0 + usable_cores()
        assert begin.share(end) == pytest.approx(0.5)
