"""Matting that stays in time: the levels of a governor, and what each of them does to a frame."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from realtime.closing import Closing
from realtime.cores import usable_cores
from realtime.frame import Float32, Frame, Matte, Planes
from realtime.governor import Cost, Governor, Level, Measurement
from realtime.inference.choice import DEFAULT, duration, keeps_up
from realtime.inference.continuity import Continuity
from realtime.inference.model import (
    BEST_FIRST,
    SHAPE,
    SMALLER,
    Model,
    Shape,
    Signature,
    open_beside,
)
from realtime.inference.preprocess import SmallPlanes
from realtime.inference.propagation import Propagation
from realtime.inference.provided import Provided
from realtime.inference.session import Device
from realtime.inference.smoothing import Smoother
from realtime.inference.thumbnail import Thumbnail, thumbnail_size
from realtime.inference.unchanged import LastAnswer
from realtime.stats import Stats

# What else there is to do for a frame, in units of moving an alpha along: scaling and smoothing
# beside the network, scaling where it is skipped, and what outlines take afterwards.
_BESIDE_NETWORK = 1.0
_BESIDE_MOVING = 0.3
_OUTLINES = 2.0

_TIMED_RUNS = 3

# Alphas that are on their way while frames are finished as fast as alphas are found: the one just
# found, those in a channel after a burst, and one with the output.
_ON_THEIR_WAY = 5

# Latencies between two frames at most; more would only be older ones.
_MOST_LATENCIES = 64


class AdaptiveMatting(Provided, Closing):
    """Finds the people in a live video as well as time allows.

    It does what `Matting.matte` does and obeys a `Governor`: where frames would come late, it takes
    a smaller network, shows it fewer pixels, or runs it on every n-th frame and moves the alpha
    along in between; with time to spare it takes a better network. For "default" these are all
    embedded networks that can stand in for each other; another network stays the only one.

    All networks are opened and timed here, before there is a frame: opened beside frames, they
    would be the load that the governor answers, and every frame of a new level would wait for one.
    On CUDA, where getting ready for a size takes seconds, none is opened after the first one that
    is fast enough, and the last one not at a smaller size.
    A change of level keeps the smoothing's past; a cut, a seek and `reset` forget everything.

    Frames must be stamped with the clock's time, as a live source's are. `matte`, `reset`,
    `warm_up` and the settings belong to one thread, the one that finds the alphas; `delivered` is
    for the thread that sends pictures out.

    Args:
        model: "default" (of the embedded ones that stand in for each other, beginning with what
            this machine can hold), an embedded name, or the path of an ONNX file.
        device: "auto", "cpu" or "cuda".
        frame_rate: in Hz, as asked from the camera.
        frame_size: (width, height), even, likewise.
        latency_budget: seconds from capture to output; 0 for two frame intervals.
        holds: whether a network that is shown whole pictures is known to hold the rate, by its name
            and what computes it; where that is not known, its duration here decides with what
            "default" begins.
        smoothing: whether alphas are smoothed over time.
        stats: where to count the durations of preprocess, infer, propagate and smooth.
        announce: is told in one line of every change of level and its reason.
        clock: seconds, of the kind that stamps the source's frames.
        stopwatch: seconds, fine enough to time a frame.

    Attributes:
        computes: see `Provided`, as `provider` and `provider_reason`.
        smoothing: as above; may be changed between frames.

    Raises:
        ModelError: no such model, or the file is not a matting network.
        DeviceError: the device cannot be used.
    """

    def __init__(
        self,
        model: str | Path = DEFAULT,
        device: Device = "auto",
        *,
        frame_rate: float,
        frame_size: tuple[int, int] = SHAPE[:2],
        latency_budget: float = 0.0,
        holds: Mapping[tuple[str, str], bool] | None = None,
        smoothing: bool = True,
        stats: Stats | None = None,
        announce: Callable[[str], None] = lambda line: None,
        clock: Callable[[], float] = time.monotonic,
        stopwatch: Callable[[], float] = time.perf_counter,
    ) -> None:
        holds = holds or {}
        opened: list[Model] = []
        self._networks: dict[str, _Network] = {}
        try:
            for name in networks(str(model)):
                opened.append(open_beside(opened, name, device, Shape(*frame_size)))
                self._networks[opened[-1].name] = network = _Network(opened[-1])
                if opened[-1].takes_planes and network.fits(1.0, frame_rate, holds):
                    break
        except BaseException:
            for one in opened:
                one.close()
            raise
        free = opened[-1].signature.fixed_size is None and not opened[-1].takes_planes
        levels = levels_of(list(self._networks), free_size=free)
        self._start = 0
        if str(model) == DEFAULT:
            self._start = _first(levels, self._networks, frame_rate, holds)
        self.computes = self._networks[levels[self._start].model].model.computes
        self.smoothing = smoothing
        self._stats = stats or Stats()
        self._announce = announce
        self._clock = clock
        self._stopwatch = stopwatch
        self._governor = Governor(
            levels,
            [self._networks[level.model].cost(level) for level in levels],
            frame_rate,
            latency_budget,
            cores=usable_cores(),
            start=self._start,
            clock=clock,
            announce=announce,
        )
        self._governed = True
        self._index = self._start
        self._continuity = Continuity()
        self._smoother = Smoother()
        self._propagation = Propagation()
        self._answer = LastAnswer()
        # Frames since the network ran, itself included; 0 where it has to run next.
        self._since_network = 0
        self._before: tuple[int, float] | None = None
        self._latencies: deque[float] = deque(maxlen=_MOST_LATENCIES)
        self._told = False
        self._told_size: tuple[int, int] | None = None
        # Alphas found, less frames that went out.
        self._undelivered = 0

    @property
    def levels(self) -> tuple[Level, ...]:
        """All ways of treating frames, best first."""
        return self._governor.levels

    @property
    def level(self) -> Level:
        """How frames are treated now; its text is for the overlay."""
        return self._governor.levels[self._index]

    @property
    def governed(self) -> bool:
        """Whether the governor decides; else frames are treated as the first one was."""
        return self._governed

    @governed.setter
    def governed(self, governed: bool) -> None:
        if governed and not self._governed:
            self._governor.restart()
        self._governed = governed

    @property
    def latency_budget(self) -> float:
        """Seconds that a frame may take from capture to output; setting 0 means two intervals."""
        return self._governor.budget

    @latency_budget.setter
    def latency_budget(self, seconds: float) -> None:
        self._governor.budget = seconds

    def delivered(self, latency: float) -> None:
        """Tells that a frame went out so many seconds after its capture. From any thread.

        Without it, the time until a frame's alpha is found has to do.
        """
        self._told = True
        self._latencies.append(latency)

    def matte(self, frame: Frame) -> Matte:
        """The alpha of the video's next frame, at a size that may differ from the one before.

        Raises:
            ModelError: the network's output is not an alpha.
            DeviceFailedError: CUDA fails.
        """
        wanted = self._governor.level if self._governed else self._start
        if wanted != self._index:
            self._enter(wanted)
        begin = self._stopwatch()
        preparing = time.perf_counter()
        small = self._small(frame.planes)
        thumbnail = Thumbnail.of_planes(frame.planes, small)
        elapsed = self._continuity(thumbnail.y, frame.time)
        prepared = time.perf_counter() - preparing
        if elapsed is None:
            self._forget()
        alpha, telling = self._propagated(thumbnail), True
        if alpha is None:
            preparing = time.perf_counter()
            look = self._look(frame, small)
            prepared += time.perf_counter() - preparing
            alpha = self._found(look, thumbnail, elapsed)
            self._since_network = 1
            # A picture that came again says nothing about what the next one will cost.
            telling = not self._answer.again
        else:
            self._since_network += 1
        self._stats.add("preprocess", prepared)
        self._propagation.remember(thumbnail.y, alpha)
        self._observe(
            frame, self._stopwatch() - begin, going_on=elapsed is not None, telling=telling
        )
        return Matte(frame, alpha)

    def warm_up(self, width: int, height: int) -> None:
        """Does once all that there is to do to such frames, so that none takes longer."""
        luma = np.zeros(thumbnail_size(width, height)[::-1], np.uint8)
        for name, scale in {(level.model, level.scale) for level in self.levels}:
            network = self._networks[name]
            size = network.signature(scale).size_for(width, height)
            self._propagation.remember(luma, network.model.rehearsal((width, height), size)())
            self._propagation(luma)
            network.model.reset()
        self._propagation.reset()

    def reset(self) -> None:
        """Forgets the past: the next frame belongs to another video."""
        self._continuity.reset()
        self._forget()

    def close(self) -> None:
        """Frees the networks. Idempotent."""
        for network in self._networks.values():
            network.model.close()
        self._networks.clear()
        self._answer.forget()

    def _forget(self) -> None:
        self._propagation.reset()
        self._since_network = 0
        self._before = None
        self._answer.forget()
        self._network().model.reset()

    def _network(self) -> _Network:
        network = self._networks.get(self.level.model)
        if network is None:
            raise ValueError("this AdaptiveMatting is closed; make a new one")
        return network

    def _enter(self, index: int) -> None:
        """Changes the level; the network has to look at the next frame."""
        self._index = index
        self._since_network = 0
        network = self._network()
        network.model.reset()
        self.computes = network.model.computes

    def _propagated(self, picture: Thumbnail) -> Float32 | None:
        """The alpha before, moved along; None where the network has to run."""
        if not 0 < self._since_network < self.level.every:
            return None
        with self._stats.time("propagate"):
            alpha = self._propagation(picture.y)
            if alpha is not None:
                # It becomes the past that the next alpha of the network is smoothed with.
                self._smoother.remember(alpha, picture)
        return alpha

    def _small(self, planes: Planes) -> SmallPlanes | None:
        """The planes as the network is shown them, if it is shown those of every frame.

        What is moved along in between is better seen in a thumbnail of the frame's own planes.
        """
        if self._network().model.takes_planes or self.level.every > 1:
            return None
        return SmallPlanes.of(planes, self._size_for(planes))

    def _size_for(self, planes: Planes) -> tuple[int, int]:
        """The (width, height) that the network is shown."""
        signature = self._network().signature(self.level.scale)
        return signature.size_for(planes.width, planes.height)

    def _look(self, frame: Frame, small: SmallPlanes | None) -> Callable[[], Float32]:
        """Prepares a frame, of which there may be small planes; the result runs the network."""
        model, planes = self._network().model, frame.planes
        size = self._size_for(planes)
        if model.takes_planes:
            self._tell_of_new_sizes(model, planes, size)
            return partial(model.of_planes, planes, frame.color, size)
        small = small or SmallPlanes.of(planes, size)
        return partial(self._answer, model, small.to_rgb(frame))

    def _tell_of_new_sizes(self, model: Model, planes: Planes, size: tuple[int, int]) -> None:
        """Once for each, however often it fails."""
        found = (planes.width, planes.height)
        if not model.ready_for(planes, size) and found != self._told_size:
            self._told_size = found
            self._announce(f"getting ready for pictures of {planes.width}×{planes.height}")

    def _found(
        self, look: Callable[[], Float32], thumbnail: Thumbnail, elapsed: float | None
    ) -> Float32:
        """The network's alpha, smoothed."""
        with self._stats.time("infer"):
            alpha = look()
        self.computes = self._network().model.computes
        if not self.smoothing:
            self._smoother.remember(alpha, thumbnail)
            return alpha
        with self._stats.time("smooth"):
            return self._smoother(alpha, thumbnail, elapsed)

    def _observe(self, frame: Frame, busy: float, *, going_on: bool, telling: bool) -> None:
        """Tells the governor what became of a frame, unless that means nothing."""
        latencies = []
        while self._latencies:
            latencies.append(self._latencies.popleft())
        if not self._told:
            latencies.append(self._clock() - frame.time)
        dropped, interval = self._given_up(len(latencies)), None
        if self._before is not None and going_on and frame.index > self._before[0]:
            steps = frame.index - self._before[0]
            dropped += steps - 1
            interval = (frame.time - self._before[1]) / steps
        self._before = (frame.index, frame.time)
        if self._governed and telling:
            self._governor.observe(
                Measurement(
                    level=self._index,
                    busy=busy,
                    latency=max(latencies, default=None),
                    dropped=dropped,
                    interval=interval,
                    spent=time.process_time(),
                )
            )

    def _given_up(self, delivered: int) -> int:
        """How many frames were given up after their alpha was found, since that was last known.

        While nothing goes out, such as in a panic, nothing is known.
        """
        self._undelivered += 1 - delivered
        if not delivered or not self._told:
            return 0
        given_up = max(0, self._undelivered - _ON_THEIR_WAY)
        self._undelivered = max(0, self._undelivered - given_up)
        return given_up


class _Network:
    """An opened network, and what it costs here beside moving an alpha along."""

    def __init__(self, model: Model) -> None:
        self.name = model.name
        self.model = model
        self.seconds = duration(model)
        self._units = self.seconds / _moving(model.signature)
        self._smaller = model.signature.with_pixels(SMALLER)

    def signature(self, scale: float) -> Signature:
        """What the network takes at a level of this scale."""
        return self.model.signature if scale == 1 else self._smaller

    def fits(self, scale: float, frame_rate: float, holds: Mapping[tuple[str, str], bool]) -> bool:
        """Whether it keeps up at a level of this scale; what `holds` tells is of whole pictures."""
        known = holds.get((self.name, self.model.provider)) if scale == 1 else None
        return keeps_up(self.seconds * scale, frame_rate) if known is None else known

    def cost(self, level: Level) -> Cost:
        """What a level costs with this network, in units of moving an alpha along."""
        after = 0.0 if level.plain else _OUTLINES
        network = self._units * level.scale + _BESIDE_NETWORK
        if level.every == 1:
            return Cost(network, network, after)
        moving = 1 + _BESIDE_MOVING
        # The alpha could not be moved along, and the network had to run after all.
        peak = network + 1
        return Cost((network + moving * (level.every - 1)) / level.every, peak, after)


def _moving(signature: Signature) -> float:
    """Seconds that moving one of its alphas along takes."""
    width, height = signature.size_for(16, 9)
    luma, alpha = np.zeros((108, 192), np.uint8), np.ones((height, width), np.float32)
    propagation = Propagation()
    propagation.remember(luma, alpha)
    durations = []
    for _ in range(_TIMED_RUNS):
        begin = time.perf_counter()
        propagation(luma)
        durations.append(time.perf_counter() - begin)
    return min(durations)


def _first(
    levels: Sequence[Level],
    opened: Mapping[str, _Network],
    frame_rate: float,
    holds: Mapping[tuple[str, str], bool],
) -> int:
    """The best level that this machine can hold; if there is none, the fastest network's first."""
    fastest = levels[-1].model
    return next(
        index
        for index, level in enumerate(levels)
        if level.model == fastest
        or (level.every == 1 and opened[level.model].fits(level.scale, frame_rate, holds))
    )


def networks(asked: str) -> tuple[str, ...]:
    """Which networks may stand in for each other, best first.

    Args:
        asked: what the user wrote. "default" may become better than it begins; a network that was
            asked for by its name may only become faster.
    """
    if asked == DEFAULT:
        return BEST_FIRST
    return BEST_FIRST[BEST_FIRST.index(asked) :] if asked in BEST_FIRST else (asked,)


def levels_of(names: Sequence[str], *, free_size: bool = True) -> tuple[Level, ...]:
    """The ladder of some networks, best first.

    Before the last network comes the one before it with alphas that are moved along for a frame: by
    measurement that is nearer to the truth than the last one's own. Only the last is shown fewer
    pixels than it was made for.

    Args:
        names: of the networks, best first.
        free_size: whether the last takes pictures of any size.
    """
    levels = [Level(name) for name in names[:-1]]
    levels += [Level(name, every=2) for name in names[-2:-1]]
    scales = (1.0, SMALLER) if free_size else (1.0,)
    levels += [Level(names[-1], scale) for scale in scales]
    levels += [Level(names[-1], scales[-1], plain=True, every=every) for every in (1, 2, 3)]
    return tuple(levels)
