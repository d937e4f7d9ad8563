"""Pictures and scratch memory that are used again, where a frame would have to take new ones."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.frame import Planes, UInt8

# More than are held at a time: up to eight frames wait for a slow file and one is being written, a
# window and the guard each keep a frame or two, and the next is drawn. What is asked for beyond is
# not kept here.
_MOST = 16

# Scratch memory is larger by this part of what was asked for: the next frame may need a bit more.
_HEADROOM = 2


Note = NDArray[np.bool_]
"""What is left with memory for its next user: marks, of a meaning that they agree on."""


class Pool:
    """Lends memory that nobody else refers to any more.

    The rule: a frame is read-only, and whoever holds one may keep it as long as it likes. Its
    memory is lent anew only when the last array that looks into it is gone, which CPython's
    reference counts tell: every view of an array refers to the array that owns the memory. A sink
    that keeps many frames costs memory, and never corrupts a picture.

    Who has drawn into such memory may leave a note of what is there, for whom it is lent to next.
    """

    def __init__(self) -> None:
        self._owners: list[UInt8] = []
        self._notes: list[Note | None] = []
        # What an array counts that is in such a list and nowhere else; differs between Pythons.
        self._idle = _references([np.empty(0, np.uint8)], 0)

    def planes(self, height: int, width: int) -> Planes:
        """Planes of an even size with any content, to be written to; behind each other."""
        return self.planes_with_note(height, width)[0]

    def planes_with_note(self, height: int, width: int) -> tuple[Planes, Note | None]:
        """The same, and what their last user has left word of.

        Returns:
            Planes, and the note, None where there is none. It is gone then: what it says does not
            outlast what is drawn next.
        """
        memory, note = self._lend(height * width * 3 // 2)
        return Planes.within(memory, height, width), note

    def plane(self, height: int, width: int) -> UInt8:
        """One plane, likewise."""
        return self._lend(height * width)[0].reshape(height, width)

    def leave_note(self, planes: Planes, note: Note) -> None:
        """Says what is in planes that were lent, once they are drawn."""
        for index, owner in enumerate(self._owners):
            if planes.y.base is owner:
                self._notes[index] = note

    def forget_notes(self) -> None:
        """Nothing that was noted is true any more."""
        self._notes = [None] * len(self._owners)

    def _lend(self, size: int) -> tuple[UInt8, Note | None]:
        """uint8 (size,), a view, and the note that was left."""
        owners, notes = self._owners, self._notes
        for index in range(len(owners)):
            if owners[index].size == size and _references(owners, index) <= self._idle:
                note, notes[index] = notes[index], None
                return owners[index][:], note
        memory: UInt8 = np.empty(size, np.uint8)
        if len(owners) >= _MOST:
            # The oldest size may be one that is not in use any more.
            owners.pop(0)
            notes.pop(0)
        owners.append(memory)
        notes.append(None)
        return memory[:], None


class Scratch:
    """Memory for what is needed while one frame is worked on; each use has a name of its own.

    An array is valid until the same name is asked for again.
    """

    def __init__(self) -> None:
        self._memory: dict[str, NDArray[Any]] = {}

    def array(
        self, name: str, shape: tuple[int, ...], kind: type[np.generic] = np.uint8
    ) -> NDArray[Any]:
        """A contiguous array of any content."""
        size = math.prod(shape)
        memory = self._memory.get(name)
        if memory is None or memory.size < size or memory.dtype != kind:
            memory = self._memory[name] = np.empty(size + size // _HEADROOM, kind)
        return memory[:size].reshape(shape)


def _references(owners: list[UInt8], index: int) -> int:
    return sys.getrefcount(owners[index])
