"""Single stages."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.bench import stages
from realtime.bench.material import copied
from realtime.frame import Planes
from tests.media import gray_frame


@pytest.mark.parametrize("places", [3, 1])
def test_a_copy_goes_into_one_place_after_another(
    places: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets: list[Planes] = []

    def watched(planes: Planes) -> Planes:
        targets.append(copied(planes))
        return targets[-1]

    monkeypatch.setattr(stages, "copied", watched)
    pictures = [gray_frame(level).planes for level in (10, 20, 30, 40)]
    copy = stages.copier(pictures[0], places)
    for picture in pictures:
        copy(picture)
    assert len(targets) == places
    # As many of the last as there are places, whatever the order of these.
    found = sorted(int(target.y[0, 0]) for target in targets)
    assert found == [int(picture.y[0, 0]) for picture in pictures[-places:]]
    (last,) = (one for one in targets if one.y[0, 0] == pictures[-1].y[0, 0])
    for new, old in zip(last, pictures[-1], strict=True):
        np.testing.assert_array_equal(new, old)
