"""A report in words, and two of them compared."""

from __future__ import annotations

from realtime.bench import report
from tests.bench.made_up import a_report


class TestReport:
    def test_text_has_every_stage_and_what_is_held(self) -> None:
        text = report.text(a_report())
        for word in (
            "decode",
            "infer",
            "encode",
            "into a file: 51.0 fps",
            "first frame after 0.80",
        ):
            assert word in text
        assert "640×360 at 30: model balanced, 43% of " in text

    def test_a_mean_is_called_one_and_has_no_tail(self) -> None:
        lines = report.text(a_report()).splitlines()
        stages = {line[2:16].strip(): line.split()[-5:] for line in lines}
        assert stages["infer"] == ["2.00", "3.00", "1.0", "2.50", "0%"]
        assert stages["encode, mean"] == ["mean", "2.00", "1.0", "2.50", "0%"]

    def test_a_video_that_stands_still_is_told(self) -> None:
        assert "once more" not in report.text(a_report())
        text = report.text(a_report(repeated=0.985))
        assert "98.5% of the video's pictures are the one before once more: " in text

    def test_comparison_tells_noise_from_change(self) -> None:
        text = report.comparison(a_report((50.0, 51.0, 52.0)), a_report((70.0, 71.0, 72.0)))
        lines = {line.split("  ")[1].strip(): line for line in text.splitlines() if "  " in line}
        assert lines["whole file"].endswith("faster")
        assert lines["stage infer"].endswith("within noise")
        assert "Not the program alone" not in text

    def test_comparison_tells_what_else_was_another(self) -> None:
        old, new = a_report(), a_report()
        old["plan"] |= {"input": "talk.mp4", "seconds": 2.0, "rates": [30.0, 60.0]}
        del new["machine"]["av"]
        first = report.comparison(old, new).splitlines()[0]
        version = old["machine"]["av"]
        assert first == (
            f"Not the program alone differs: av {version} → none, input talk.mp4 → demo, "
            "seconds 2.0 → 0.1, rates 30.0, 60.0 → 30.0."
        )

    def test_comparison_names_what_only_one_has_and_other_machines(self) -> None:
        old, new = a_report(), a_report()
        old["machine"] = {**old["machine"], "cpu": "another"}
        new["runs"][0]["threads"] = 2
        text = report.comparison(old, new)
        assert text.startswith("Not the program alone differs: cpu another → ")
        assert "CPUExecutionProvider, 2 threads: only in the new report" in text
        assert "CPUExecutionProvider: only in the old report" in text
