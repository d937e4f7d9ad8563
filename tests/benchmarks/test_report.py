"""Figures of the README."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks.report import filled, stage_table
from benchmarks.reporting import read_report, run_command, write_report
from models.errors import ModelsError
from realtime.errors import RealtimeError

_ROOT = Path(__file__).resolve().parents[2]


def test_readme_and_model_card_show_the_committed_figures() -> None:
    for path, text in filled().items():
        assert path.read_text("utf-8") == text


def test_a_report_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ModelsError, match=r"quality\.json: .* run python -m benchmarks\.quality --peers"
    ):
        filled(tmp_path)
    command = "realtime bench --model default,fast --fps 30,60 --json"
    with pytest.raises(ModelsError, match=rf"run {command} .*bench\.json$"):
        read_report(tmp_path / "bench.json")
    with pytest.raises(ModelsError, match=r"bench_before\.json: .* comes with the sources$"):
        read_report(tmp_path / "bench_before.json")


def test_stages_name_the_networks_they_were_measured_with() -> None:
    def bench(**models: str) -> dict[str, Any]:
        metrics = {"stage infer": {"median": 3.0}, "cpu of infer": {"median": 4.0}}
        runs = [
            {"height": int(height[1:]), "model": model, "metrics": metrics}
            for height, model in models.items()
        ]
        return {"machine": {"cpu": "one"}, "runs": runs}

    after = bench(h720="quality", h1080="quality")
    after["runs"] += bench(h720="fast")["runs"]
    lines = stage_table(bench(h720="fast", h1080="fast"), after)
    assert lines.splitlines() == [
        "| stage | 720p: before (`fast`) → now (`fast`) "
        "| 1080p: before (`fast`) → now (`quality`) |",
        "|---|---|---|",
        "| infer | 3.00 (4.00) → 3.00 (4.00) | 3.00 (4.00) → 3.00 (4.00) |",
        "",
        "Measured on cpu one.",
    ]


def test_written_figures_are_headed_by_the_machine(tmp_path: Path) -> None:
    path = tmp_path / "new" / "r.json"
    written = write_report(path, {"figure": 1})
    assert read_report(path) == written
    assert {"cpu", "cores", "realtime"} <= set(written["machine"])
    if shutil.which("git") and (Path(__file__).parents[2] / ".git").exists():
        assert re.fullmatch(r"[0-9a-f]{7,}(-dirty)?", written["revision"])
    # That of the measurement itself.
    assert "load" not in written["machine"]
    assert write_report(path, {"machine": {"cpu": "own"}})["machine"] == {"cpu": "own"}


@pytest.mark.parametrize("error", [ModelsError, RealtimeError])
def test_a_command_says_in_one_line_what_is_wrong(
    error: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> int:
        raise error("no such thing")

    assert run_command(fails) == 2
    assert capsys.readouterr().err == "error: no such thing\n"


def test_the_committed_figures_are_those_of_the_embedded_networks() -> None:
    """Whoever changes a network measures it."""
    from realtime.inference.catalogue import checksum
    from realtime.inference.model import EMBEDDED, read_model

    report = json.loads((_ROOT / "benchmarks" / "results" / "quality.json").read_text("utf-8"))
    for name in EMBEDDED:
        content, _ = read_model(name)
        assert report["networks"][name]["sha256"] == checksum(content)


@pytest.mark.parametrize("name", ["bench_before", "bench", "growth", "peers", "quality"])
def test_a_report_of_no_use_is_named(name: str, tmp_path: Path) -> None:
    results = tmp_path / "results"
    shutil.copytree(_ROOT / "benchmarks" / "results", results)
    path = results / f"{name}.json"
    whole = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(whole | {"quick": True}), "utf-8")
    with pytest.raises(ModelsError, match=rf"{name}\.json: was made with --quick, "):
        filled(results)
    for damaged in ("{", json.dumps({"machine": whole["machine"]})):
        path.write_text(damaged, "utf-8")
        with pytest.raises(ModelsError, match=rf"{name}\.json: is another report, or a damaged"):
            filled(results)
