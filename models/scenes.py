"""Training samples: crops of photographs, and people composed before other rooms.

A scene is a background and layers over it, so that it can be shown again a moment later, when
something has moved. Colours are uint8 RGB [H, W, 3], alphas float32 [H, W] in 0..1, all at the
size of the batch (composing at a few hundred pixels takes a millisecond). All randomness comes
from the generator that is passed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from models.augmentation import Size, camera, exposed, h264, plain_background, tint
from models.dataset import F32, U8, Picture

LABEL_WEIGHT = {"labelled": 1.0, "keyed": 1.0, "teacher": 0.6, "background": 1.0}

# Keyed cut-outs are few, but their edges are the truest.
_KEYED_SHARE = 12.0

# Bytes of cut-outs that are kept: what is beyond is computed whenever it is drawn. Every loader
# process has its own.
_KEPT = 2 << 30

# A human saw what belongs to the person; a teacher network did not.
_LABELLED_SHARE = 2.5

# Logarithm of how much two aspects may differ and be alike.
_LIKE_ASPECT = 0.5

# The longest step from one frame to the next, as a part of the frame's height.
_STEP = 0.02


Origin = Literal["photographs", "composites"]
"""Where samples come from: what they were taken as, or made before other rooms. The truth of the
first is mostly a segmentation, that of the others a matte."""


class Sample(NamedTuple):
    """`image` uint8 [H, W, 3], `alpha` float32 [H, W] in 0..1, `weight` of its label."""

    image: U8
    alpha: F32
    weight: float


@dataclass(frozen=True)
class Mix:
    """How often each kind of sample, and each thing in it, occurs."""

    composite: float = 0.5
    empty: float = 0.09
    second_person: float = 0.15
    furniture: float = 0.3
    held: float = 0.12
    headphones: float = 0.08
    backlight: float = 0.1
    clean: float = 0.45  # as photographed, without the faults of cheap cameras
    compressed: float = 0.06

    @property
    def photographs(self) -> float:
        """How often a sample is a photograph as it was taken."""
        return 1 - (self.empty + self.composite)


class Layer(NamedTuple):
    """Something in a scene; `person` says whether its coverage counts as foreground."""

    colour: U8
    coverage: F32
    person: bool


@dataclass(frozen=True)
class Scene:
    """A photograph whose people are in `alpha`, or a room, and `layers` before it."""

    background: U8
    alpha: F32
    layers: tuple[Layer, ...]
    weight: float

    def render(self) -> tuple[U8, F32]:
        """The picture and the alpha of its people."""
        image, alpha = self.background, self.alpha
        for layer in self.layers:
            image = over(layer.colour, layer.coverage, image)
            alpha = alpha * (1 - layer.coverage)
            if layer.person:
                alpha = alpha + layer.coverage
        return image, alpha

    def moved(self, rng: np.random.Generator) -> "Scene":
        """The scene a moment later: each layer has moved a little; a photograph moves as a whole.

        Sometimes nothing moves: a person who sits still must not flicker either.
        """
        if rng.random() < 0.3:
            return self
        height, width = self.alpha.shape

        def step() -> npt.NDArray[np.float64]:
            matrix = cv2.getRotationMatrix2D(
                (width / 2, height / 2), rng.normal(0, 0.7), float(np.exp(rng.normal(0, 0.006)))
            )
            matrix[:, 2] += rng.uniform(-_STEP, _STEP, 2) * height
            return np.asarray(matrix, np.float64)

        layers = tuple(
            layer
            if rng.random() < 0.2
            else Layer(*warped(layer[0], layer[1], step()), layer.person)
            for layer in self.layers
        )
        if self.layers and rng.random() < 0.8:
            return replace(self, layers=layers)
        background, alpha = warped(self.background, self.alpha, step())
        return replace(self, background=background, alpha=alpha, layers=layers)


class Sampler:
    """Draws training samples from decoded pictures.

    Keyed pictures and cut-outs are for composing only: the ones stand before a uniform cloth, the
    others before nothing. Without any other people there are no photographs. Without `backgrounds`
    rooms are plain walls, without `products` there are no things.
    """

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
        self._kept = 0
        balance = _set_balance(people)
        keyed = np.array([p.entry.label == "keyed" for p in people])
        self._cut_chances = _normalised(np.where(keyed, _KEYED_SHARE, 1) * balance)
        composed = keyed | np.array([p.entry.cutout for p in people])
        by_hand = np.array([p.entry.label == "labelled" for p in people])
        photos = np.where(composed, 0, np.where(by_hand, _LABELLED_SHARE, 1) * balance)
        self._photo_chances = None if composed.all() else _normalised(photos)

    def draw(self, size: Size, rng: np.random.Generator) -> Sample:
        """One sample of `size` (height, width)."""
        return self.draw_clip(size, rng, 1)[0]

    def draw_clip(
        self, size: Size, rng: np.random.Generator, frames: int, origin: Origin | None = None
    ) -> list[Sample]:
        """Consecutive frames of one scene, seen by one camera; None is either origin."""
        scene = self._scene(size, rng, origin)
        scenes = [scene]
        while len(scenes) < frames:
            scenes.append(scenes[-1].moved(rng))
        pictures = [each.render() for each in scenes]
        level = _level(size, rng)
        if level is not None:
            pictures = [warped(image, alpha, level) for image, alpha in pictures]
        images = [image for image, _ in pictures]
        if rng.random() >= self.mix.clean:
            seed = int(rng.integers(2**32))
            images = [camera(image, np.random.default_rng(seed), rng) for image in images]
        if rng.random() < self.mix.compressed:
            images = h264(images, rng)
        step = -1 if rng.random() < 0.5 else 1
        return [
            Sample(
                np.ascontiguousarray(image[:, ::step]),
                np.ascontiguousarray(alpha[:, ::step]),
                scene.weight,
            )
            for image, (_, alpha) in zip(images, pictures, strict=True)
        ]

    def _scene(self, size: Size, rng: np.random.Generator, origin: Origin | None) -> Scene:
        made = self.mix.empty + self.mix.composite
        kinds = {None: (0, 1), "composites": (0, made), "photographs": (made, 1)}
        kind = rng.uniform(*kinds[origin])
        nobody = np.zeros(size, np.float32)
        if kind < self.mix.empty:
            return Scene(self._room(size, rng), nobody, self._furniture(size, rng), 1.0)
        if kind < made or self._photo_chances is None:
            return self._composite(size, rng)
        picture = self._photograph(size, rng)
        image, alpha = crop_picture(picture, size, rng)
        layers = headphones(alpha, rng) if rng.random() < self.mix.headphones else ()
        return Scene(image, alpha, layers, LABEL_WEIGHT.get(picture.entry.label, 1.0))

    def _photograph(self, size: Size, rng: np.random.Generator) -> Picture:
        """A photograph, mostly of about the aspect of `size`: less of it is cropped away."""
        for _ in range(4):
            picture = self.people[int(rng.choice(len(self.people), p=self._photo_chances))]
            height, width = picture.alpha.shape
            if abs(np.log(width / height * size[0] / size[1])) < _LIKE_ASPECT:
                break
        return picture

    def _composite(self, size: Size, rng: np.random.Generator) -> Scene:
        room = self._room(size, rng)
        layers = list(self._furniture(size, rng))
        weight = 1.0
        backlit = rng.random() < self.mix.backlight
        if backlit:
            room = exposed(room, rng.uniform(1.3, 2.5), rng.uniform(0, 60))
        for _ in range(2 if rng.random() < self.mix.second_person else 1):
            number = int(rng.choice(len(self.people), p=self._cut_chances))
            person = self._cutout(number)
            colour, coverage = place(person, size, rng)
            if rng.random() < 0.6:
                colour = tint(colour, rng)
            if backlit:
                colour = exposed(colour, rng.uniform(0.3, 0.8))
            layers.append(Layer(colour, coverage, True))
            weight = min(weight, LABEL_WEIGHT.get(person.entry.label, 1.0))
        nearest = layers[-1].coverage
        if rng.random() < self.mix.headphones:
            layers += headphones(nearest, rng)
        if self.products and rng.random() < self.mix.held:
            layers.append(self._held(nearest, rng))
        return Scene(room, np.zeros(size, np.float32), tuple(layers), weight)

    def _cutout(self, number: int) -> Picture:
        """The picture with its foreground's own colour, computed once (it takes milliseconds)."""
        if number not in self._cutouts:
            picture = self.people[number]
            matte = picture.alpha.astype(np.float32) / np.float32(255)
            solve = bled if picture.entry.cutout else foreground_colour
            cutout = Picture(solve(picture.image, matte), picture.alpha, picture.entry)
            if self._kept >= _KEPT:
                return cutout
            self._cutouts[number] = cutout
            self._kept += cutout.image.nbytes
        return self._cutouts[number]

    def _room(self, size: Size, rng: np.random.Generator) -> U8:
        if not self.backgrounds or rng.random() < 0.04:
            image = plain_background(size, rng)
        else:
            picture = self.backgrounds[int(rng.integers(len(self.backgrounds)))]
            image, _ = random_crop(picture.image, picture.alpha, size, rng, smallest=0.35)
        if rng.random() < 0.25:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 4)), np.uint8)
        return tint(image, rng) if rng.random() < 0.4 else image

    def _furniture(self, size: Size, rng: np.random.Generator) -> tuple[Layer, ...]:
        """Sometimes a thing that is no person, often a chair, anywhere in the room."""
        if not self.products or rng.random() >= self.mix.furniture:
            return ()
        product = self.products[int(rng.integers(len(self.products)))]
        colour, coverage = place(product, size, rng, free=True)
        return (Layer(tint(colour, rng) if rng.random() < 0.3 else colour, coverage, False),)

    def _held(self, person: F32, rng: np.random.Generator) -> Layer:
        """A thing before the person's body: it belongs to whoever holds it."""
        height, width = person.shape
        product = self.products[int(rng.integers(len(self.products)))]
        inside = np.argwhere(person[height // 2 :] > 0.9)
        y, x = inside[rng.integers(len(inside))] if len(inside) else (height // 4, width // 2)
        at = (float(x), float(y + height // 2))
        colour, coverage = place(product, (height, width), rng, free=True, centre=at)
        return Layer(colour, coverage, True)


def _normalised(chances: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(chances / chances.sum(), np.float64)


def _set_balance(people: Sequence[Picture]) -> npt.NDArray[np.float64]:
    """Chance of each picture: a set's share grows with the 0.7th power of its size."""
    sets = np.array([picture.entry.set for picture in people])
    names, counts = np.unique(sets, return_counts=True)
    each = dict(zip(names.tolist(), (counts**0.7 / counts).tolist(), strict=True))
    chances = np.array([each[name] for name in sets.tolist()])
    return _normalised(chances)


def scaled(image: U8, alpha: U8, size: Size, rng: np.random.Generator) -> tuple[U8, F32]:
    """Resize to `size`; the picture with a random filter, as programs differ in theirs."""
    height, width = size
    shrinks = image.shape[0] >= height and image.shape[1] >= width
    filters = [cv2.INTER_LINEAR, cv2.INTER_AREA, cv2.INTER_AREA, cv2.INTER_CUBIC]
    how = filters[rng.integers(4)] if shrinks else cv2.INTER_CUBIC  # cameras are sharper
    small = cv2.resize(image, (width, height), interpolation=how)
    matte = cv2.resize(
        alpha, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    enlarged = max(1.0, height / image.shape[0], width / image.shape[1])
    return np.asarray(small, np.uint8), narrowed(matte, enlarged)


def narrowed(alpha: U8, scale: float) -> F32:
    """An alpha that was enlarged `scale` times, its outline as narrow as it was before: 0..1.

    The pictures are small; a network that learned from enlarged ones gives soft outlines to sharp
    cameras.
    """
    matte = np.asarray(alpha, np.float32) / np.float32(255)
    return matte if scale <= 1 else np.clip((matte - 0.5) * np.float32(scale) + 0.5, 0, 1)


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
    picture: Picture,
    size: Size,
    rng: np.random.Generator,
    free: bool = False,
    centre: tuple[float, float] | None = None,
) -> tuple[U8, F32]:
    """A cut-out somewhere in a frame of `size`: foreground colour and coverage.

    Where the source picture's border cuts the person off, the frame's border does too. `free`
    puts things anywhere; a small one is centred on `centre` (x, y), where that is given.
    """
    height, width = size
    source_height, source_width = picture.alpha.shape
    box = _bounds(picture.alpha)
    if box is None:
        box = (0, 0, source_width, source_height)
    left, top, right, bottom = box
    tall = (bottom - top) > 1.6 * (right - left)
    portion = rng.uniform(0.5, 1.0)
    if free:
        portion = rng.uniform(0.15, 0.8) if centre is None else rng.uniform(0.08, 0.35)
    if not free and tall and rng.random() < 0.7:
        portion = rng.uniform(1.0, 3.5)  # a standing person, seen from the hips up or closer
    scale = height * portion / (bottom - top)
    stretch = float(np.exp(rng.uniform(-0.12, 0.12)))
    cut_left, cut_right = left <= 1, right >= source_width - 1
    cut_bottom = bottom >= source_height - 1
    if not free and cut_left and cut_right:
        scale = max(scale, width / (right - left) / stretch)
    sx, sy = scale * stretch, scale
    if centre is not None:
        x, y = centre[0] - (left + right) / 2 * sx, centre[1] - (top + bottom) / 2 * sy
    elif free and rng.random() < 0.5:  # behind a chair's back there is often a person's
        x = width * rng.normal(0.5, 0.2) - (left + right) / 2 * sx
        y = height * rng.uniform(0.9, 1.2) - bottom * sy
    elif free:
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
        middle = (left + right) / 2 * sx
        x = width * float(np.clip(rng.normal(0.5, 0.18), 0, 1)) - middle
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
    coverage = cv2.warpAffine(alpha, matrix, (width, height), borderMode=border)
    return np.asarray(placed, np.uint8), narrowed(np.asarray(coverage, np.uint8), max(sx, sy))


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


def bled(image: U8, alpha: F32) -> U8:
    """A cut-out's colour, that of its edge carried on to where it is transparent.

    Such files have any colour there, mostly black, which would darken the edge when it is resized.
    """
    weight = np.maximum(alpha, np.float32(1e-6))
    wide = cv2.merge([weight, weight, weight])
    around = (17, 17)
    near = cv2.blur(image.astype(np.float32) * wide, around) / cv2.blur(wide, around)
    return np.where(alpha[..., None] > 0, image, np.clip(near, 0, 255)).astype(np.uint8)


def over(foreground: U8, alpha: F32, background: U8) -> U8:
    """αF + (1 − α)B."""
    rest = 1 - alpha
    return np.asarray(cv2.blendLinear(foreground, background, alpha, rest), np.uint8)


def warped(image: U8, alpha: F32, matrix: npt.NDArray[np.float64]) -> tuple[U8, F32]:
    """Both moved by an affine map [2, 3]; the border is repeated outwards."""
    size = alpha.shape[::-1]
    how = {"flags": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_REPLICATE}
    return (
        np.asarray(cv2.warpAffine(image, matrix, size, **how), np.uint8),
        np.asarray(cv2.warpAffine(alpha, matrix, size, **how), np.float32),
    )


def _level(size: Size, rng: np.random.Generator) -> npt.NDArray[np.float64] | None:
    """Sometimes a camera that is not level."""
    if rng.random() > 0.2:
        return None
    angle = float(rng.normal(0, 6))
    middle = (size[1] / 2, size[0] / 2)
    return np.asarray(cv2.getRotationMatrix2D(middle, angle, 1 + abs(angle) / 60), np.float64)


def headphones(alpha: F32, rng: np.random.Generator) -> tuple[Layer, ...]:
    """A band over the topmost head and two cups, drawn; none where the head is small or cut off."""
    height, width = alpha.shape
    solid = alpha > 0.5
    rows = np.flatnonzero(solid.any(axis=1))
    if rows.size < height // 4 or rows[0] < 2:
        return ()
    top = int(rows[0])
    crown = np.flatnonzero(solid[top + 2])
    middle = int(crown.mean()) if crown.size else width // 2
    # the head's half width: how far the matte reaches sideways a little below the crown
    spans = []
    for depth in (0.12, 0.18, 0.24):
        row = solid[min(height - 1, top + int(depth * rows.size))]
        if not row[middle]:
            return ()
        left = middle - int(np.argmin(row[middle::-1])) if not row[: middle + 1].all() else 0
        right = middle + int(np.argmin(row[middle:])) if not row[middle:].all() else width
        spans.append((left, right))
    left, right = spans[1]
    radius = (right - left) / 2
    if not 0.03 * width < radius < 0.3 * width:
        return ()
    x, y = (left + right) / 2, top + radius * rng.uniform(1.0, 1.3)
    mask = np.zeros((height, width), np.uint8)
    band = max(1, round(radius * rng.uniform(0.1, 0.3)))
    axes = (round(radius * 1.08), round((y - top) + band / 2))
    cv2.ellipse(mask, (round(x), round(y)), axes, 0, 180, 360, 255, band, cv2.LINE_AA)
    cup = (max(1, round(radius * rng.uniform(0.15, 0.3))), max(2, round(radius * 0.45)))
    for side in (-1, 1):
        at = (round(x + side * radius * 1.05), round(y + 0.1 * radius))
        cv2.ellipse(mask, at, cup, 0, 0, 360, 255, -1, cv2.LINE_AA)
    shade = rng.uniform(0, 70) if rng.random() < 0.7 else rng.uniform(150, 255)
    colour = np.full((height, width, 3), shade + rng.uniform(-10, 10, 3), np.float32)
    light = np.linspace(1.3, 0.7, height, dtype=np.float32)[:, None, None]
    drawn = np.asarray(np.clip(colour * light, 0, 255), np.uint8)
    return (Layer(drawn, mask.astype(np.float32) / np.float32(255), True),)
