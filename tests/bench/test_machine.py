"""What a processor is called, so that no machine takes another's figures for its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime import machine

_ARM = """\
processor\t: 0
Features\t: fp asimd asimddp
CPU implementer\t: 0x41
CPU part\t: 0xd05

processor\t: 1
Features\t: fp asimd asimddp
CPU implementer\t: 0x41
CPU part\t: {part}

Model\t: A Board 4
"""


class TestIdentity:
    def _of(self, info: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
        path = folder / "cpuinfo"
        path.write_text(info, "utf-8")
        monkeypatch.setattr(machine, "_CPUINFO", path)
        monkeypatch.setattr("platform.machine", lambda: "aarch64")
        return machine.identity().split(",")[0]

    def test_arm_is_told_by_its_numbers(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = self._of(_ARM.format(part="0xd0b"), tmp_path, monkeypatch)
        assert found == "aarch64 0x41 0xd05 0xd0b A Board 4 (asimddp)"
        assert found != self._of(_ARM.format(part="0xd0c"), tmp_path, monkeypatch)

    def test_others_have_a_name(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        info = "model\t: 17\nmodel name\t: A CPU\nflags\t: fpu avx2\n"
        assert self._of(2 * info, tmp_path, monkeypatch) == "A CPU (avx2)"

    def test_one_of_another_kind_has_its_kind(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert self._of("hart\t: 0\n", tmp_path, monkeypatch) == "aarch64"
