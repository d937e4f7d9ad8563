"""Who stays in the picture: everyone, or the largest person; small far bystanders may go.

A network says what is person, not which person: connected parts of its alpha are all there is to
go by (`cv2.connectedComponentsWithStats`, at the network's size). Two people who touch are one.
When in doubt a part stays: a hand that goes missing is worse than a bystander who remains.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.frame import Float32, UInt8

Labels = NDArray[np.int32]

Who = Literal["everyone", "largest"]

# From this alpha on, a pixel belongs to somebody.
_THRESHOLD = 0.5

# A part of at most this share of a body's area may be its hand or arm; larger ones are people.
_LARGEST_LIMB = 0.25

# How far a limb may be from its body, as a share of the square root of the body's area: beside or
# below it, where hands reach out, and above its middle, where bystanders' heads are.
_REACH_LOW = 0.5
_REACH_HIGH = 0.2

# A part that lies with so much of its width above, below or within a body belongs to it, whatever
# its size.
_STACKED = 0.9

# What was part of the picture a moment ago stays so up to this many times the reach.
_HOLD = 1.5

# Another person becomes the subject who is this many times larger for so many seconds.
_CLEARLY_LARGER = 1.3
_SWITCH_SECONDS = 1.0

# A subject who is not found for so long has left. Nobody else is shown until then: the network may
# have missed them, and somebody else's flashing up would be worse. But who is alone, and was for so
# long, is the subject wherever they moved: there is nobody to be taken for.
_LOST_SECONDS = 0.5

# The limit for small people is so many times lower for who is in, and higher for who is out.
_MARGIN = 1.25

# So much of a person must overlap with where they were to be the same one.
_SAME = 0.3

# Nothing is remembered over a gap of so many seconds.
_LONGEST_GAP = 1.0


@dataclass(frozen=True, slots=True)
class _Part:
    """A connected part: its number, its area in pixels, its box, and how much of it was in."""

    label: int
    area: int
    left: int
    top: int
    right: int
    bottom: int
    was_in: bool


@dataclass(slots=True)
class _Person:
    """A body with its limbs."""

    body: _Part
    labels: list[int]
    area: int


class SubjectChoice:
    """Takes people out of alphas, frame after frame; remembers who was in."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets the past: the next alpha belongs to another video."""
        self._time: float | None = None
        self._kept: UInt8 | None = None
        self._subject: UInt8 | None = None
        self._subject_seen = 0.0
        self._several_seen = -math.inf
        self._rival_since: float | None = None

    def __call__(
        self, alpha: Float32, time: float, who: Who = "everyone", smallest_person: float = 0.0
    ) -> Float32:
        """The alpha of those who stay.

        Args:
            alpha: float32 (h, w) in 0..1.
            time: of the frame, in seconds.
            who: "everyone", or "largest" for the largest person alone, who stays the subject until
                somebody else is clearly larger for a while.
            smallest_person: people smaller than this share of the largest one are left out, 0..1.

        Returns:
            float32 (h, w); `alpha` itself where nobody is left out.
        """
        if who == "everyone" and smallest_person <= 0:
            self.reset()
            return alpha
        if self._time is not None and not 0 <= time - self._time <= _LONGEST_GAP:
            self.reset()
        self._kept = _at_size(self._kept, alpha.shape)
        self._subject = _at_size(self._subject, alpha.shape)
        self._time = time
        mask: UInt8 = cv2.compare(alpha, _THRESHOLD, cv2.CMP_GE)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        if count == 1 and self._subject is None:
            return alpha
        people = _people(self._parts(labels, stats))
        if who == "largest":
            staying = self._choose(people, labels, time)
        else:
            self._subject = None
            staying = self._large_enough(people, smallest_person)
        kept = np.zeros(count, np.uint8)
        for person in staying:
            kept[person.labels] = 255
        self._kept = kept[labels]
        if len(staying) == len(people):
            return alpha
        return _without(alpha, mask, self._kept)

    def _parts(self, labels: Labels, stats: Labels) -> list[_Part]:
        """The parts of a picture, largest first."""
        before = np.zeros_like(labels, np.uint8) if self._kept is None else self._kept
        inside = np.bincount(labels[before > 0], minlength=len(stats))
        parts = []
        for label, (left, top, width, height, area) in enumerate(stats.tolist()):
            if label:  # 0 is what is nobody
                was_in = bool(inside[label] >= _SAME * area)
                parts.append(_Part(label, area, left, top, left + width, top + height, was_in))
        return sorted(parts, key=lambda part: -part.area)

    def _large_enough(self, people: list[_Person], share: float) -> list[_Person]:
        """Those who are not too small."""
        if not people:
            return []
        largest = people[0].area
        first = self._kept is None
        staying = []
        for person in people:
            margin = 1.0 if first else 1 / _MARGIN if person.body.was_in else _MARGIN
            if person.area >= min(1.0, share * margin) * largest:
                staying.append(person)
        return staying

    def _choose(self, people: list[_Person], labels: Labels, time: float) -> list[_Person]:
        """The subject: the same as before, unless there is a reason for another."""
        if len(people) > 1:
            self._several_seen = time
        subject = self._same(people, labels)
        if subject is None:
            alone = len(people) == 1 and time - self._several_seen >= _LOST_SECONDS
            missed = self._subject is not None and time - self._subject_seen < _LOST_SECONDS
            if missed and not alone:
                return []
            subject = people[0] if people else None
            self._rival_since = None
        elif people[0] is not subject and people[0].area > _CLEARLY_LARGER * subject.area:
            self._rival_since = time if self._rival_since is None else self._rival_since
            if time - self._rival_since >= _SWITCH_SECONDS:
                subject, self._rival_since = people[0], None
        else:
            self._rival_since = None
        if subject is None:
            self._subject = None
            return []
        self._subject = (labels == subject.body.label).astype(np.uint8)
        self._subject_seen = time
        return [subject]

    def _same(self, people: list[_Person], labels: Labels) -> _Person | None:
        """Who is where the subject was."""
        if self._subject is None or not people:
            return None
        inside = np.bincount(labels[self._subject > 0], minlength=labels.max() + 1)
        best = max(people, key=lambda person: int(inside[person.body.label]))
        overlap = int(inside[best.body.label])
        smaller = min(best.body.area, int(self._subject.sum()))
        return best if overlap >= _SAME * smaller else None


def _at_size(mask: UInt8 | None, shape: tuple[int, ...]) -> UInt8 | None:
    """A mask at the size that alphas have now: another network may have begun to find them."""
    if mask is None or mask.shape == shape:
        return mask
    scaled: UInt8 = cv2.resize(mask, shape[::-1], interpolation=cv2.INTER_NEAREST)
    return scaled


def _people(parts: list[_Part]) -> list[_Person]:
    """Puts limbs to the bodies that they are nearest to; largest person first."""
    people: list[_Person] = []
    for part in parts:
        owner = min(
            (person for person in people if _is_limb(part, person.body)),
            key=lambda person: _gap(part, person.body),
            default=None,
        )
        if owner is None:
            people.append(_Person(part, [part.label], part.area))
        else:
            owner.labels.append(part.label)
            owner.area += part.area
    return sorted(people, key=lambda person: -person.area)


def _is_limb(part: _Part, body: _Part) -> bool:
    overlap = min(part.right, body.right) - max(part.left, body.left)
    near = _gap(part, body) <= _REACH_HIGH * body.area**0.5
    if near and overlap >= _STACKED * (part.right - part.left):
        # Above, below or within: a head over a scarf, a face behind a microphone's arm.
        return True
    if part.area > _LARGEST_LIMB * body.area:
        return False
    low = part.top + part.bottom > body.top + body.bottom
    reach = (_REACH_LOW if low else _REACH_HIGH) * body.area**0.5
    if part.was_in and body.was_in:
        reach *= _HOLD
    return bool(_gap(part, body) <= reach)


def _gap(part: _Part, body: _Part) -> float:
    """Pixels between two boxes, 0 where they overlap."""
    across = max(0, part.left - body.right, body.left - part.right)
    down = max(0, part.top - body.bottom, body.top - part.bottom)
    return math.hypot(across, down)


def _without(alpha: Float32, mask: UInt8, kept: UInt8) -> Float32:
    """The alpha of the pixels that are nearer to who stays than to who goes."""
    if not kept.any():
        return np.zeros_like(alpha)
    gone = cv2.bitwise_and(mask, cv2.bitwise_not(kept))
    to_kept = cv2.distanceTransform(cv2.bitwise_not(kept), cv2.DIST_L1, 3)
    to_gone = cv2.distanceTransform(cv2.bitwise_not(gone), cv2.DIST_L1, 3)
    return np.where(to_kept <= to_gone, alpha, np.float32(0))
