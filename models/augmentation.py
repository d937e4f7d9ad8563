"""Training samples: crops of pictures, composites over other backgrounds, camera faults.

Everything works on uint8 RGB [H, W, 3] and float32 alpha [H, W] in 0..1 at the size of the batch
(composition at a few hundred pixels takes a millisecond). All randomness comes from the generator
that is passed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from models.dataset import U8, Picture

F32 = npt.NDArray[np.float32]
Size = tuple[int, int]

LABEL_WEIGHT = {"labelled": 1.0, "keyed": 1.0, "teacher": 0.6, "background": 1.0}


class Sample(NamedTuple):
    """`image` uint8 [H, W, 3], `alpha` float32 [H, W] in 0..1, `weight` of its label."""

    image: U8
    alpha: F32
    weight: float


@dataclass(frozen=True)
class Mix:
    """How often each kind of sample occurs."""

    composite: float = 0.35
    empty: float = 0.05
    second_person: float = 0.15
    distractor: float = 0.3
    clean: float = 0.35  # as photographed, without the faults of cheap cameras


class Sampler:
    """Draws training samples from decoded pictures."""

    def __init__(
        self,
        people: Sequence[Picture],
        backgrounds: Sequence[Picture],
        products: Sequence[Picture] = (),
        mix: Mix | None = None,
    ) -> None:
        self.people = people
        self.backgrounds = backgrounds
        self.products = products
        self.mix = mix or Mix()
        self._cutouts: dict[int, Picture] = {}
        self._chances = _set_balance(people)
        cut = np.array([p.entry.label == "keyed" for p in people])
        self._real_chances = np.where(cut, 0, self._chances)
        if self._real_chances.sum() > 0:
            self._real_chances /= self._real_chances.sum()
        else:
            self._real_chances = self._chances

    def draw(self, size: Size, rng: np.random.Generator) -> Sample:
        """One sample of `size` (height, width)."""
        kind = rng.random()
        if kind < self.mix.empty:
            image = self._background(size, rng)
            alpha = np.zeros(size, np.float32)
            weight = 1.0
        elif kind < self.mix.empty + self.mix.composite:
            image, alpha, weight = self._composite(size, rng)
        else:
            picture = self.people[int(rng.choice(len(self.people), p=self._real_chances))]
            image, alpha = crop_picture(picture, size, rng)
            weight = LABEL_WEIGHT.get(picture.entry.label, 1.0)
        image, alpha = turn(image, alpha, rng)
        if rng.random() >= self.mix.clean:
            image = camera(image, rng)
        if rng.random() < 0.5:
            image, alpha = image[:, ::-1], alpha[:, ::-1]
        return Sample(np.ascontiguousarray(image), np.ascontiguousarray(alpha), weight)

    def _composite(self, size: Size, rng: np.random.Generator) -> tuple[U8, F32, float]:
        image = self._background(size, rng)
        alpha = np.zeros(size, np.float32)
        weight = 1.0
        for _ in range(2 if rng.random() < self.mix.second_person else 1):
            number = int(rng.choice(len(self.people), p=self._chances))
            person = self._cutout(number)
            placed, coverage = place(person, size, rng)
            if rng.random() < 0.6:
                placed = tint(placed, rng)
            image = over(placed, coverage, image)
            alpha = alpha + coverage - alpha * coverage
            weight = min(weight, LABEL_WEIGHT.get(person.entry.label, 1.0))
        return image, alpha, weight

    def _cutout(self, number: int) -> Picture:
        """The picture with its foreground's own colour, computed once (it takes milliseconds)."""
        if number not in self._cutouts:
            picture = self.people[number]
            matte = picture.alpha.astype(np.float32) / np.float32(255)
            own = foreground_colour(picture.image, matte)
            self._cutouts[number] = Picture(own, picture.alpha, picture.entry)
        return self._cutouts[number]

    def _background(self, size: Size, rng: np.random.Generator) -> U8:
        if not self.backgrounds or rng.random() < 0.04:
            image = plain_background(size, rng)
        else:
            picture = self.backgrounds[int(rng.integers(len(self.backgrounds)))]
            image, _ = random_crop(picture.image, picture.alpha, size, rng, smallest=0.35)
        if self.products and rng.random() < self.mix.distractor:
            product = self.products[int(rng.integers(len(self.products)))]
            placed, coverage = place(product, size, rng, free=True)
            image = over(placed, coverage, image)
        if rng.random() < 0.25:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 4)), np.uint8)
        return tint(image, rng) if rng.random() < 0.4 else image


def _set_balance(people: Sequence[Picture]) -> npt.NDArray[np.float64]:
    """Chance of each picture: a set's share grows with the 0.7th power of its size."""
    sets = np.array([picture.entry.set for picture in people])
    names, counts = np.unique(sets, return_counts=True)
    each = dict(zip(names.tolist(), (counts**0.7 / counts).tolist(), strict=True))
    chances = np.array([each[name] for name in sets.tolist()])
    return np.asarray(chances / chances.sum(), np.float64)


def scaled(image: U8, alpha: U8, size: Size, rng: np.random.Generator) -> tuple[U8, F32]:
    """Resize to `size`; the picture with a random filter, as programs differ in theirs."""
    height, width = size
    shrinks = image.shape[0] >= height and image.shape[1] >= width
    filters = [cv2.INTER_LINEAR, cv2.INTER_AREA, cv2.INTER_AREA, cv2.INTER_CUBIC]
    how = filters[rng.integers(4)] if shrinks else cv2.INTER_LINEAR
    small = cv2.resize(image, (width, height), interpolation=how)
    matte = cv2.resize(
        alpha, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return np.asarray(small, np.uint8), np.asarray(matte, np.float32) / np.float32(255)


def random_crop(
    image: U8, alpha: U8, size: Size, rng: np.random.Generator, smallest: float
) -> tuple[U8, F32]:
    """A random part of at least `smallest` of each side, of about the aspect of `size`."""
    height, width = image.shape[:2]
    aspect = size[1] / size[0] * np.exp(rng.uniform(-0.25, 0.25))
    largest = min(width, height * aspect)
    w = max(16, largest * rng.uniform(smallest, 1))
    h = max(16, w / aspect)
    w, h = min(w, width), min(h, height)
    x = int(rng.uniform(0, width - w + 1e-6))
    y = int(rng.uniform(0, height - h + 1e-6))
    part = np.s_[y : y + int(h), x : x + int(w)]
    return scaled(image[part], alpha[part], size, rng)


def crop_picture(picture: Picture, size: Size, rng: np.random.Generator) -> tuple[U8, F32]:
    """A person before the background they were photographed with.

    Either the whole picture (squashed to the batch's aspect, if need be), or a random part, or a
    webcam's framing: from above the head to the chest or the hips.
    """
    image, alpha = picture.image, picture.alpha
    height, width = image.shape[:2]
    kind = rng.random()
    wanted, present = size[1] / size[0], width / height
    mismatch = abs(np.log(wanted / present))
    if kind < 0.4 and mismatch < 0.5:
        return scaled(image, alpha, size, rng)
    if kind < 0.75:
        box = _bounds(alpha)
        if box is not None:
            return _webcam_crop(image, alpha, box, size, rng)
    return random_crop(image, alpha, size, rng, smallest=0.5)


def _bounds(alpha: U8) -> tuple[int, int, int, int] | None:
    """left, top, right, bottom of the foreground; None if there is hardly any."""
    columns = np.flatnonzero(alpha.max(axis=0) > 127)
    rows = np.flatnonzero(alpha.max(axis=1) > 127)
    if columns.size < 8 or rows.size < 8:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _webcam_crop(
    image: U8, alpha: U8, box: tuple[int, int, int, int], size: Size, rng: np.random.Generator
) -> tuple[U8, F32]:
    left, top, right, bottom = box
    height, width = image.shape[:2]
    aspect = size[1] / size[0] * np.exp(rng.uniform(-0.2, 0.2))
    tall = (bottom - top) > 1.6 * (right - left)
    shown = (bottom - top) * (rng.uniform(0.22, 0.7) if tall else rng.uniform(0.6, 1.0))
    h = shown / rng.uniform(0.7, 0.98)
    w = h * aspect
    shrink = min(1.0, width / w, height / h)
    w, h = w * shrink, h * shrink
    # the head of a standing person is where the top rows of the matte are
    head = alpha[top : top + max(4, (bottom - top) // 8)]
    weights = head.sum(axis=0, dtype=np.float64)
    centre = float((weights * np.arange(width)).sum() / max(weights.sum(), 1))
    x = centre - w * rng.uniform(0.3, 0.7)
    y = top - (h - min(shown, h)) * rng.uniform(0.5, 1.0)
    x = int(np.clip(x, 0, width - w))
    y = int(np.clip(y, 0, height - h))
    part = np.s_[y : y + max(16, int(h)), x : x + max(16, int(w))]
    return scaled(image[part], alpha[part], size, rng)


def place(
    picture: Picture, size: Size, rng: np.random.Generator, free: bool = False
) -> tuple[U8, F32]:
    """A cut-out somewhere in a frame of `size`: foreground colour and coverage.

    Where the source picture's border cuts the person off, the frame's border does too. `free`
    puts things anywhere.
    """
    height, width = size
    source_height, source_width = picture.alpha.shape
    box = _bounds(picture.alpha)
    if box is None:
        box = (0, 0, source_width, source_height)
    left, top, right, bottom = box
    tall = (bottom - top) > 1.6 * (right - left)
    portion = rng.uniform(0.15, 0.6) if free else rng.uniform(0.5, 1.0)
    if not free and tall and rng.random() < 0.7:
        portion = rng.uniform(1.0, 3.5)  # a standing person, seen from the hips up or closer
    scale = height * portion / (bottom - top)
    stretch = float(np.exp(rng.uniform(-0.12, 0.12)))
    cut_left, cut_right = left <= 1, right >= source_width - 1
    cut_bottom = bottom >= source_height - 1
    if not free and cut_left and cut_right:
        scale = max(scale, width / (right - left) / stretch)
    sx, sy = scale * stretch, scale
    if free:
        y = rng.uniform(-0.1, 0.9) * height - top * sy
        x = rng.uniform(-0.1, 0.9) * width - left * sx
    else:
        shown = (bottom - top) * sy
        if portion > 1.0:
            y = rng.uniform(0.0, 0.3) * height - top * sy
        elif cut_bottom or rng.random() < 0.5:
            y = height - bottom * sy + 0.5
        else:
            y = rng.uniform(0, max(0.0, height - shown)) - top * sy
        if top <= 1:
            y = min(y, -top * sy)
        centre = (left + right) / 2 * sx
        x = width * float(np.clip(rng.normal(0.5, 0.18), 0, 1)) - centre
        if cut_left and cut_right:
            x = -left * sx - rng.uniform(0, 1) * max(0.0, (right - left) * sx - width)
        elif cut_left:
            x = -left * sx - 0.5 - rng.uniform(0, 0.2) * width
        elif cut_right:
            x = width - right * sx + 0.5 + rng.uniform(0, 0.2) * width
    image, alpha = picture.image, picture.alpha
    if scale < 0.6:
        # a plain warp would alias: shrink by averaging first
        shape = (max(8, round(source_width * scale)), max(8, round(source_height * scale)))
        image = np.asarray(cv2.resize(image, shape, interpolation=cv2.INTER_AREA), np.uint8)
        alpha = np.asarray(cv2.resize(alpha, shape, interpolation=cv2.INTER_AREA), np.uint8)
        sx *= source_width / shape[0]
        sy *= source_height / shape[1]
    matrix = np.array([[sx, 0, x], [0, sy, y]], np.float64)
    border = cv2.BORDER_CONSTANT if free else cv2.BORDER_REPLICATE
    placed = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    coverage = np.asarray(
        cv2.warpAffine(alpha, matrix, (width, height), borderMode=border), np.float32
    ) / np.float32(255)
    return np.asarray(placed, np.uint8), coverage


def foreground_colour(image: U8, alpha: F32) -> U8:
    """The person's own colour where the old background shines through.

    Blur fusion, one pass: M. Forte, "Approximate fast foreground colour estimation"
    (arXiv 2006.14970).
    """
    height, width = alpha.shape
    picture = image.astype(np.float32)
    wide = cv2.merge([alpha, alpha, alpha])
    inside = cv2.multiply(picture, wide)
    small = (max(1, width // 4), max(1, height // 4))

    def blurred(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        reduced = cv2.resize(values, small, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.blur(reduced, (3, 3)), np.float32)

    cover = blurred(wide)
    foreground = blurred(inside) / (cover + np.float32(1e-3))
    background = blurred(picture - inside) / (1 - cover + np.float32(1e-3))
    # F + α(I − αF − (1 − α)B), with F and B enlarged again
    f = cv2.resize(foreground, (width, height), interpolation=cv2.INTER_LINEAR)
    b = cv2.resize(background, (width, height), interpolation=cv2.INTER_LINEAR)
    expected = b + cv2.multiply(wide, f - b)
    corrected = f + cv2.multiply(wide, picture - expected)
    return np.asarray(np.clip(corrected, 0, 255), np.uint8)


def over(foreground: U8, alpha: F32, background: U8) -> U8:
    """αF + (1 − α)B."""
    rest = 1 - alpha
    return np.asarray(cv2.blendLinear(foreground, background, alpha, rest), np.uint8)


def tint(image: U8, rng: np.random.Generator) -> U8:
    """Another light: colour temperature, tint, brightness, gamma."""
    warmth, green = rng.normal(0, 0.09), rng.normal(0, 0.04)
    brightness = np.exp(rng.normal(0, 0.22))
    gamma = float(np.exp(rng.normal(0, 0.18)))
    ramp = (np.arange(256) / 255) ** gamma * brightness
    gains = np.exp([warmth, green, -warmth])
    table = np.clip(ramp[:, None] * gains * 255, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[None]), np.uint8)


def turn(image: U8, alpha: F32, rng: np.random.Generator) -> tuple[U8, F32]:
    """Sometimes a camera that is not level."""
    if rng.random() > 0.2:
        return image, alpha
    height, width = alpha.shape
    angle = float(rng.normal(0, 6))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1 + abs(angle) / 60)
    how = {"flags": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_REPLICATE}
    image = np.asarray(cv2.warpAffine(image, matrix, (width, height), **how), np.uint8)
    alpha = np.asarray(cv2.warpAffine(alpha, matrix, (width, height), **how), np.float32)
    return image, alpha


def camera(image: U8, rng: np.random.Generator) -> U8:
    """What cheap cameras do: exposure, colour, contrast, softness, motion, noise, compression."""
    if rng.random() < 0.6:
        image = tint(image, rng)
    if rng.random() < 0.3:
        grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        amount = rng.uniform(0, 1) if rng.random() < 0.3 else rng.uniform(0, 0.5)
        image = np.asarray(cv2.addWeighted(image, 1 - amount, grey, amount, 0), np.uint8)
    if rng.random() < 0.3:
        gain = float(np.exp(rng.normal(0, 0.25)))
        middle = float(image.mean())
        image = np.asarray(
            cv2.convertScaleAbs(
                np.clip(image.astype(np.float32) * gain + middle * (1 - gain), 0, 255)
            ),
            np.uint8,
        )
    kind = rng.random()
    if kind < 0.12:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.4)), np.uint8)
    elif kind < 0.2:
        length = int(rng.integers(3, 10))
        kernel = np.zeros((length, length), np.float32)
        middle_at = (length - 1) / 2
        slope = rng.uniform(0, np.pi)
        dx, dy = np.cos(slope) * middle_at, np.sin(slope) * middle_at
        start = (round(middle_at - dx), round(middle_at - dy))
        end = (round(middle_at + dx), round(middle_at + dy))
        cv2.line(kernel, start, end, 1.0)
        image = np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)
    elif kind < 0.27:
        sharp = cv2.addWeighted(image, 1.8, cv2.GaussianBlur(image, (0, 0), 1.0), -0.8, 0)
        image = np.asarray(sharp, np.uint8)
    if rng.random() < 0.3:
        shape = image.shape if rng.random() < 0.6 else (*image.shape[:2], 1)
        noise = rng.standard_normal(shape, np.float32) * np.float32(rng.uniform(1, 14))
        if rng.random() < 0.4:
            noise = cv2.GaussianBlur(noise, (0, 0), 0.8).reshape(shape)
        image = np.asarray(np.clip(image + noise, 0, 255), np.uint8)
    if rng.random() < 0.3:
        quality = int(rng.integers(20, 90))
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return image


def plain_background(size: Size, rng: np.random.Generator) -> U8:
    """A wall: a gradient between two colours, with soft blotches."""
    height, width = size
    corners = rng.uniform(0, 255, (2, 2, 3)).astype(np.float32)
    corners += (corners.mean() - corners) * np.float32(rng.uniform(0.3, 1))
    wall = cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)
    cells = rng.standard_normal((6, 8, 3), np.float32) * np.float32(rng.uniform(0, 25))
    wall = wall + cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(wall, 0, 255), np.uint8)
