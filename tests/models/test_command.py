"""How a command ends."""

from __future__ import annotations

import pytest

from models.command import Interrupted, run_command
from models.errors import ModelsError


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ModelsError("no such thing"), 2, "error: no such thing"),
        (
            OSError(28, "No space left on device", "out/report.json"),
            2,
            "error: out/report.json: No space left on device; mend that, and run it again",
        ),
        (
            OSError(28, "No space left on device"),
            2,
            "error: No space left on device; mend that, and run it again",
        ),
        (OSError("locked"), 2, "error: locked; mend that, and run it again"),
        (OSError(), 2, "error: OSError; mend that, and run it again"),
        (KeyboardInterrupt(), 130, "interrupted"),
        # As others raise it, with words of no use here.
        (KeyboardInterrupt("interrupted"), 130, "interrupted"),
        (Interrupted("interrupted, but"), 130, "interrupted, but"),
    ],
)
def test_the_end_is_told_in_one_line(
    error: BaseException, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def ends() -> int:
        raise error

    assert run_command(ends) == status
    assert capsys.readouterr().err == f"{said}\n"


def test_others_are_bugs() -> None:
    def breaks() -> int:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        run_command(breaks)
