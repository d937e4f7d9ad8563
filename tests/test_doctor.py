"""What the doctor says of machines that are well, and of others."""

from __future__ import annotations

import builtins
import json
import shutil
import subprocess
import sys
import types
from fractions import Fraction
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import pytest
from click.testing import CliRunner

from realtime import checksums, doctor
from realtime.capture import devices
from realtime.capture.devices import Camera
from realtime.capture.modes import Mode
from realtime.closing import Closing
from realtime.commands import doctor as command
from realtime.doctor import Check, diagnose, explain_missing, has_nvidia_card
from realtime.errors import ModelError, OutputError
from realtime.output import loopback


def _find(name: str) -> list[Check]:
    """What was found of one name; every check is one line, with a fix where one is needed."""
    checks = list(diagnose())
    for check in checks:
        assert check.found
        assert "\n" not in check.found + check.fix
        assert bool(check.fix) == (check.status != "ok"), check
    return [check for check in checks if check.name == name]


def _only(name: str) -> Check:
    (check,) = _find(name)
    return check


def test_the_machine_of_these_tests_can_do_the_main_job() -> None:
    checks = list(diagnose())
    assert [check for check in checks if check.status == "failed"] == []
    names = [check.name for check in checks]
    assert {"realtime", "av", "numpy", "files", "provider", "encoders", "space"} <= set(names)
    assert len(set(names)) == len(names)


class TestPackages:
    def _with(self, monkeypatch: pytest.MonkeyPatch, **versions: str | None) -> None:
        real = metadata.version

        def version(name: str) -> str:
            key = name.replace("-", "_")
            found = versions[key] if key in versions else real(name)
            if found is None:
                raise metadata.PackageNotFoundError(name)
            return found

        monkeypatch.setattr(metadata, "version", version)

    def test_one_that_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._with(monkeypatch, rich=None)
        assert _only("rich") == Check("rich", "failed", "not installed", "pip install 'rich>=13.9'")

    @pytest.mark.parametrize("version", ["18.0.9", "19.0", "20.1.3"])
    def test_one_of_the_wrong_version(self, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
        self._with(monkeypatch, av=version)
        found = _only("av")
        assert (found.status, found.found) == ("failed", f"{version} does not do")
        assert found.fix.startswith("pip install 'av")

    @pytest.mark.parametrize("version", ["18.1", "18.1.0", "18.10rc1", "18.2.dev0"])
    def test_any_right_version(self, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
        self._with(monkeypatch, av=version)
        assert _only("av") == Check("av", "ok", version)

    def test_two_builds_of_onnxruntime(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._with(monkeypatch, onnxruntime="1.23.0", onnxruntime_gpu="1.23.0")
        found = _only("onnxruntime")
        assert found.status == "warning"
        assert found.fix.startswith("pip uninstall onnxruntime onnxruntime-gpu")

    def test_a_program_that_was_never_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(doctor, "_DISTRIBUTION", "no-such-program")
        assert _only("packages").status == "failed"


class TestFiles:
    def test_what_is_recorded_is_what_is_there(self) -> None:
        assert checksums.recorded() == checksums.computed(), (
            "networks or pictures changed; record them anew: python -m realtime.checksums"
        )

    def test_networks_and_pictures_are_recorded(self) -> None:
        endings = {Path(path).suffix for path in checksums.recorded()}
        assert endings == {".onnx", ".jpg"}

    def test_a_damaged_and_a_missing_file(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        package = tmp_path / "realtime"
        shutil.copytree(Path(checksums.__file__).parent, package)
        (package / "inference/weights/fast.onnx").write_bytes(b"<html>not found</html>")
        (package / "output/backgrounds/assets/falcon9.jpg").unlink()
        (package / "inference/weights/own.onnx").write_bytes(b"of no concern")
        present = checksums.computed(package)
        monkeypatch.setattr(checksums, "computed", lambda: present)
        found = _only("files")
        assert found.status == "failed"
        assert found.found == (
            "missing or damaged: inference/weights/fast.onnx, output/backgrounds/assets/falcon9.jpg"
        )

    def test_recording_writes_what_reading_reads(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        record = tmp_path / "sha256sums.txt"
        monkeypatch.setattr(checksums, "_RECORD", record)
        checksums.main()
        assert checksums.recorded(record) == checksums.computed()


class TestProvider:
    def _with(self, monkeypatch: pytest.MonkeyPatch, reason: str, *, card: bool) -> Check:
        class FakeMatting(Closing):
            provider = "CPUExecutionProvider"
            provider_reason = reason

            def close(self) -> None: ...

        monkeypatch.setattr("realtime.inference.matting.Matting", FakeMatting)
        monkeypatch.setattr(doctor, "has_nvidia_card", lambda: card)
        found = _only("provider")
        assert found.found == f"CPUExecutionProvider ({reason})"
        return found

    @pytest.mark.parametrize(
        ("reason", "fix"),
        [
            ("this onnxruntime is a CPU build", "realtime-matting[cuda]"),
            ("no NVIDIA driver", "install NVIDIA's driver"),
            ("onnxruntime could not load its CUDA libraries", "realtime-matting[cuda]"),
            ("CUDA failed: out of memory", "newest driver"),
            ("CUDA works, but not with captured graphs: out of memory", "newest driver"),
        ],
    )
    def test_a_card_that_is_not_used(
        self, monkeypatch: pytest.MonkeyPatch, reason: str, fix: str
    ) -> None:
        found = self._with(monkeypatch, reason, card=True)
        assert found.status == "warning"
        assert fix in found.fix

    def test_a_machine_without_a_card_is_well(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self._with(monkeypatch, "no NVIDIA driver", card=False).status == "ok"

    def test_a_card_that_was_hidden_on_purpose(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self._with(monkeypatch, "no NVIDIA device", card=True).status == "ok"

    def test_a_network_that_does_not_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fails() -> None:
            raise ModelError("default: onnxruntime cannot run it; choose another model")

        monkeypatch.setattr("realtime.inference.matting.Matting", fails)
        assert _only("provider") == Check(
            "provider", "failed", "default: onnxruntime cannot run it", "choose another model"
        )

    @pytest.mark.parametrize(
        ("vendor", "kind", "found"),
        [
            ("0x10de\n", "0x030200\n", True),
            ("0x10de\n", "0x040300\n", False),
            ("0x8086\n", "0x030000\n", False),
        ],
    )
    def test_a_card_is_seen_without_a_driver(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, vendor: str, kind: str, found: bool
    ) -> None:
        monkeypatch.setattr(shutil, "which", lambda _: None)
        device = tmp_path / "0000:01:00.0"
        device.mkdir()
        (device / "vendor").write_text(vendor)
        (device / "class").write_text(kind)
        assert has_nvidia_card(tmp_path) is found
        assert has_nvidia_card(tmp_path / "none") is False


class TestCameras:
    def _with(self, monkeypatch: pytest.MonkeyPatch, *cameras: Camera) -> None:
        monkeypatch.setattr(devices, "list_cameras", lambda: cameras)
        monkeypatch.setattr(devices, "holders", lambda _: [])

    def test_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        virtual = Camera("9", "Realtime", "/dev/video9", virtual=True)
        self._with(monkeypatch, virtual)
        found = _only("camera")
        assert found.status == "warning"
        assert "--camera demo" in found.fix

    def test_formats(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rates = (Fraction(60), Fraction(30), Fraction(15))
        modes = (
            Mode("YUYV", 1280, 720, (Fraction(10),)),
            Mode("MJPG", 1280, 720, rates),
            Mode("MJPG", 1920, 1080, (Fraction(30000, 1001),)),
            Mode("YUYV", 1920, 1080, (Fraction(5),)),
        )
        self._with(monkeypatch, Camera("0", "C920", "/dev/video0", modes=modes))
        found = "C920: 1280×720 at 30 fps as MJPG; at most 1920×1080 at 29.97 fps as MJPG"
        assert _only("camera 0") == Check("camera 0", "ok", found)

    def test_one_that_may_not_be_opened(self, monkeypatch: pytest.MonkeyPatch) -> None:
        problem = "camera 0: no permission for /dev/video0; run 'sudo usermod -aG video $USER'"
        self._with(
            monkeypatch,
            Camera("0", "C920", "/dev/video0", problem=problem),
            Camera("1", "Other", "/dev/video1"),
        )
        assert _only("camera 0") == Check(
            "camera 0",
            "warning",
            "camera 0: no permission for /dev/video0",
            "run 'sudo usermod -aG video $USER'",
        )
        assert _only("camera 1").status == "ok"

    def test_one_that_another_program_uses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        used, free = Camera("0", "C920", "/dev/video0"), Camera("1", "Other", "/dev/video1")
        self._with(monkeypatch, used, free)
        users = ["zoom (process 42)", "obs (process 7)"]
        monkeypatch.setattr(devices, "holders", lambda path: users * (path == used.path))
        assert _only("camera 0") == Check(
            "camera 0",
            "warning",
            "C920 is in use by zoom (process 42) and obs (process 7)",
            "close zoom (process 42) and obs (process 7) before using it here",
        )
        assert _only("camera 1").status == "ok"

    @pytest.mark.parametrize(
        ("system", "told"),
        [
            ("linux", "its driver chooses one"),
            ("darwin", "on this system; --size and --fps choose one"),
        ],
    )
    def test_one_without_formats(
        self, monkeypatch: pytest.MonkeyPatch, system: str, told: str
    ) -> None:
        self._with(monkeypatch, Camera("0", "FaceTime", "0"))
        monkeypatch.setattr(sys, "platform", system)
        (found,) = doctor._cameras()
        assert found.status == "ok"
        assert found.found.startswith("FaceTime: ")
        assert told in found.found


class TestVirtualCamera:
    @pytest.fixture(autouse=True)
    def _linux(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "platform", "linux")

    def _with(self, monkeypatch: pytest.MonkeyPatch, *, both: bool) -> None:
        node = loopback.VideoNode("/dev/video9", "v4l2 loopback", "realtime", both, True)
        monkeypatch.setattr(loopback, "first_usable", lambda: node)

    def test_one_that_everybody_lists(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        flags = tmp_path / "exclusive_caps"
        flags.write_text("Y,N,N\n")
        monkeypatch.setattr(doctor, "_EXCLUSIVE_CAPS", flags)
        self._with(monkeypatch, both=False)
        assert _only("virtual camera") == Check(
            "virtual camera", "ok", "/dev/video9 (realtime), exclusive_caps=Y,N,N"
        )

    def test_one_that_browsers_pass_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._with(monkeypatch, both=True)
        found = _only("virtual camera")
        assert found.status == "warning"
        assert "modprobe v4l2loopback exclusive_caps=1" in found.fix

    def test_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def none() -> None:
            raise OutputError("no virtual camera here; load it with 'sudo modprobe'")

        monkeypatch.setattr(loopback, "first_usable", none)
        assert _only("virtual camera") == Check(
            "virtual camera", "warning", "no virtual camera here", "load it with 'sudo modprobe'"
        )

    @pytest.mark.parametrize("works", [True, False])
    def test_elsewhere_it_is_opened(self, monkeypatch: pytest.MonkeyPatch, works: bool) -> None:
        class OpenedCamera:
            device = "OBS Virtual Camera"

            def __init__(self, *_: int) -> None:
                if not works:
                    raise RuntimeError("'obs': not\nfound")

            def __enter__(self) -> OpenedCamera:
                return self

            def __exit__(self, *_: object) -> None: ...

        module: Any = types.ModuleType("pyvirtualcam")
        module.Camera = OpenedCamera
        monkeypatch.setitem(sys.modules, "pyvirtualcam", module)
        monkeypatch.setattr(sys, "platform", "darwin")
        (found,) = doctor._virtual_camera()
        assert (found.status, found.found) == (
            ("ok", "OBS Virtual Camera") if works else ("warning", "'obs': not found")
        )


class TestOpenCV:
    def test_a_build_without_windows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cv2, "getBuildInformation", lambda: "  GUI:      NONE\n  x: y\n")
        found = _only("windows")
        assert found.status == "warning"
        assert "opencv-python-headless" in found.fix

    def test_a_library_of_the_system_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = builtins.__import__

        def no_cv2(name: str, *rest: Any) -> Any:
            if name == "cv2":
                raise ImportError("libGL.so.1: cannot open shared object file")
            return real(name, *rest)

        monkeypatch.setattr(builtins, "__import__", no_cv2)
        (found,) = _find("windows")
        assert found.status == "failed"
        assert "apt install libgl1" in found.fix

    def test_other_missing_modules_are_not_explained_as_libraries(self) -> None:
        assert explain_missing(ImportError("No module named 'cv2'")) is None


def test_a_missing_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor._ENCODERS, "libnever", "nothing")
    found = _only("encoders")
    assert found.status == "warning"
    assert found.found.endswith(": libnever (for nothing)")


def test_the_encoders_that_files_need_are_looked_at() -> None:
    from realtime.output.file import _KINDS

    needed = {kind.codec for _, *kinds in _KINDS.values() for kind in kinds if kind is not None}
    assert needed <= set(doctor._ENCODERS)


@pytest.mark.skipif(sys.platform != "linux", reason="only X11 can be taken away")
def test_no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    found = _only("screen")
    assert found.status == "warning"
    assert "--output null" in found.fix


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 29))
    found = _only("space")
    assert found.status == "warning"
    assert found.found.startswith("0.5 GB free in ")


def test_a_defect_of_a_look_is_told_and_does_not_hide_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def breaks(_: object) -> None:
        raise ZeroDivisionError("of\nsome kind")

    monkeypatch.setattr(shutil, "disk_usage", breaks)
    assert _only("space").found == "ZeroDivisionError: of some kind"


class TestCommand:
    def _with(self, monkeypatch: pytest.MonkeyPatch, *checks: Check) -> None:
        monkeypatch.setattr("realtime.doctor.diagnose", lambda: iter(checks))

    def test_a_warning_is_no_failure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._with(
            monkeypatch,
            Check("files", "ok", "as they should be"),
            Check("camera", "warning", "none", "plug one in"),
        )
        done = CliRunner().invoke(command.doctor)
        assert done.exit_code == 0
        assert [line.split() for line in done.output.splitlines()] == [
            ["ok", "files", "as", "they", "should", "be"],
            ["WARNING", "camera", "none"],
            ["fix:", "plug", "one", "in"],
        ]

    def test_a_failure_is_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._with(monkeypatch, Check("files", "failed", "damaged", "install anew"))
        assert CliRunner().invoke(command.doctor).exit_code == 1
        done = CliRunner().invoke(command.doctor, ["--json"])
        assert done.exit_code == 1
        assert json.loads(done.output) == {
            "works": False,
            "checks": [
                {"name": "files", "status": "failed", "found": "damaged", "fix": "install anew"}
            ],
        }

    def test_json_of_a_whole_machine_is_one_line(self) -> None:
        done = CliRunner().invoke(command.doctor, ["--json"])
        assert done.exit_code == 0
        assert len(done.output.splitlines()) == 1
        assert json.loads(done.output)["works"] is True


def test_the_doctor_runs_where_opencv_cannot_even_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open')")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from realtime.commands.doctor import doctor\ndoctor(['--json'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    answer = json.loads(done.stdout)
    status = {check["name"]: check["status"] for check in answer["checks"]}
    assert status["windows"] == status["provider"] == "failed"
    assert status["av"] == status["files"] == status["space"] == "ok"
