"""The page of a report."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from realtime.bench import page
from tests.bench.made_up import a_report


class _Tags(HTMLParser):
    """Counts elements, and sees that those of a drawing are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag in ("svg", "rect", "text", "circle", "title"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("svg", "rect", "text", "circle", "title"):
            assert self.open.pop() == tag


class TestPage:
    def test_it_has_its_plots_and_nothing_from_elsewhere(self) -> None:
        made_up = a_report()
        made_up["machine"]["cpu"] = "a <fast> one"
        made_up["skipped"] = ["cuda: <none>"]
        content = page.render(made_up)
        tags = _Tags()
        tags.feed(content)
        assert tags.counts["svg"] == 3
        assert tags.counts["circle"] == 3
        # One box for each stage of the run and in the legend, and 40 bars.
        assert tags.counts["rect"] >= 2 * 6 + 40
        assert not tags.open
        assert "a &lt;fast&gt; one" in content
        assert "cuda: &lt;none&gt;" in content
        assert "http" not in content

    def test_the_median_is_that_of_the_figures(self) -> None:
        made_up = a_report()
        made_up["runs"][0]["latencies_ms"] = {"30": [10.0, 20.0]}
        assert "median 10.0 ms" in page.render(made_up)

    def test_what_is_a_mean_or_less_work_is_called_so(self) -> None:
        content = page.render(a_report(repeated=0.5))
        assert "<td>stage encode, mean<td>2<td><td>" in content
        assert "<td>stage infer<td>2<td>3<td>" in content
        assert "<li>50.0% of the video" in content

    def test_a_live_run_with_another_network_names_it(self) -> None:
        content = page.render(a_report())
        assert "<h3>fast, 640×360, CPUExecutionProvider, 30 fps with balanced</h3>" in content
        assert "<td>live 30 latency p95 with balanced<td>" in content
        # What is not live is the configuration's own.
        assert ">fast, 640×360, CPUExecutionProvider: 12.0 ms<" in content

    def test_nothing_that_arrived_is_no_plot(self) -> None:
        made_up = a_report()
        made_up["runs"][0]["latencies_ms"] = {"30": []}
        assert "Nothing arrived" in page.render(made_up)

    @pytest.mark.parametrize("most", [0.013, 0.9, 1.0, 7.3, 10.0, 25.0, 480.0])
    def test_ticks_are_round_and_few(self, most: float) -> None:
        found = page.ticks(most)
        assert found[0] == 0
        assert 4 <= len(found) <= 10
        assert most * 0.7 < found[-1] <= most * 1.000001
