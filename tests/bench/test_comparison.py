"""Two reports compared."""

from __future__ import annotations

import copy
from typing import Any

from realtime.bench import comparison
from realtime.bench.report import heading
from tests.bench.made_up import a_report


def _with_networks(*live_models: dict[str, str]) -> dict[str, Any]:
    """A report of one configuration for each of these, which are alike but for them."""
    made_up = a_report()
    (run,) = made_up["runs"]
    made_up["runs"] = [copy.deepcopy(run) | {"live_models": models} for models in live_models]
    return made_up


class TestComparison:
    def test_comparison_tells_noise_from_change(self) -> None:
        text = comparison.text(a_report((50.0, 51.0, 52.0)), a_report((90.0, 91.0, 92.0)))
        lines = {line.split("  ")[1].strip(): line for line in text.splitlines() if "  " in line}
        assert lines["whole file"].endswith("faster")
        assert lines["whole file"].split()[2:5] == ["51", "91", "1.78"]
        assert lines["stage infer"].endswith("within noise")
        assert "Not the program alone" not in text

    def test_comparison_tells_what_else_was_another(self) -> None:
        old, new = a_report(), a_report()
        old["plan"] |= {"input": "talk.mp4", "seconds": 2.0, "rates": [30.0, 60.0]}
        del new["machine"]["av"]
        first = comparison.text(old, new).splitlines()[0]
        version = old["machine"]["av"]
        assert first == (
            f"Not the program alone differs: av {version} → none, input talk.mp4 → demo, "
            "seconds 2.0 → 0.1, rates 30.0, 60.0 → 30.0."
        )

    def test_comparison_names_what_only_one_has_and_other_machines(self) -> None:
        old, new = a_report(), a_report()
        old["machine"] = {**old["machine"], "cpu": "another"}
        new["runs"][0]["threads"] = 2
        text = comparison.text(old, new)
        assert text.startswith("Not the program alone differs: cpu another → ")
        assert "CPUExecutionProvider, 2 threads, live 30 fps with balanced: only in the new" in text
        assert "CPUExecutionProvider, live 30 fps with balanced: only in the old report" in text

    def test_live_figures_of_different_networks_are_not_compared(self) -> None:
        old, new = _with_networks({"30": "fast"}), _with_networks({"30": "balanced"})
        text = comparison.text(old, new)
        line = "  Not compared, of different networks: live 30 fps (fast → balanced)"
        assert text.splitlines().count(line) == 1
        assert "live 30 latency" not in text
        assert "whole file" in text
        assert "Not compared" not in comparison.text(old, old)

    def test_a_configuration_is_compared_with_the_one_of_its_networks(self) -> None:
        both = _with_networks({"30": "fast"}, {"30": "balanced"})
        text = comparison.text(both, _with_networks({"30": "balanced"}))
        assert "live 30 latency" in text
        assert "Not compared" not in text
        assert f"{heading(both['runs'][0])}: only in the old report" in text

    def test_before_networks_were_told_live_runs_had_their_configurations(self) -> None:
        old, new = a_report(), a_report()
        del old["runs"][0]["live_models"]
        assert "live 30 fps (fast → balanced)" in comparison.text(old, new)

    def test_a_single_round_is_said_to_tell_nothing(self) -> None:
        sentence = "A single round does not show its noise, so that nothing is called changed."
        text = comparison.text(a_report((50.0,)), a_report((90.0, 91.0, 92.0)))
        assert sentence in text.splitlines()
        assert "faster" not in text
        assert "within noise" not in text
        assert sentence not in comparison.text(a_report(), a_report())

    def test_how_many_rounds_tell_which_change_is_said(self) -> None:
        scattering = a_report()
        for metric in scattering["runs"][0]["metrics"].values():
            metric["rounds"] = (97.0, 100.0, 103.0)
        text = comparison.text(scattering, scattering)
        assert "scatter by 3.0% (standard deviation" in text
        assert "where it is 66% with 3, 17% with 5, 8% with 10 rounds on each side" in text
        # Nothing scatters.
        assert "scatter" not in comparison.text(a_report((50.0,) * 3), a_report((50.0,) * 3))
