"""What importing the package costs and gives."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import realtime


@pytest.mark.parametrize("name", realtime.__all__)
def test_everything_promised_is_there(name: str) -> None:
    assert getattr(realtime, name) is not None


def test_nothing_else_is_made_up() -> None:
    with pytest.raises(AttributeError, match="no attribute 'matte_everything'"):
        _ = realtime.matte_everything


def _modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_loads_nothing_heavy() -> None:
    heavy = {"torch", "cv2", "av", "numpy", "onnxruntime", "click", "rich"}
    assert not heavy & _modules_after("import realtime")


def test_the_command_line_loads_nothing_heavy_before_it_is_asked_to() -> None:
    """So it can still say how NumPy is to begin."""
    heavy = {"torch", "cv2", "av", "numpy", "onnxruntime", "rich"}
    assert not heavy & _modules_after("import realtime.cli")


def test_the_whole_program_never_loads_torch_or_the_training_code() -> None:
    loaded = _modules_after("import realtime.cli, realtime.jobs")
    assert "onnxruntime" in loaded
    assert not {"torch", "models", "onnx", "matplotlib"} & loaded


def test_python_m_realtime_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "realtime", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"realtime, version {realtime.__version__}"


@pytest.mark.parametrize("package", ["realtime.inference.session", "models.predictor"])
def test_nobody_is_told_what_it_runs_on(package: str) -> None:
    """From 1.29 on, onnxruntime tells its maker what it runs and where, unless told not to."""
    told = f"import os, {package}; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    for said, given in (("1", {}), ("0", {"ORT_DISABLE_TELEMETRY": "0"})):
        quiet = {name: value for name, value in os.environ.items() if "ORT_" not in name}
        done = subprocess.run(
            [sys.executable, "-c", told], capture_output=True, text=True, env=quiet | given
        )
        assert done.stdout.strip() == said, done.stderr
