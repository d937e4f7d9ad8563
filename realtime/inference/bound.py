"""Runs of a network on the CPU that need no new memory."""

from __future__ import annotations

from typing import Any

from realtime.frame import Float32


class BoundRun:
    """Runs a session from one picture to one output, both in memory that stays.

    Memory as large as an output is otherwise mapped and cleared anew for every frame.

    Args:
        session: of onnxruntime, on the CPU; of inputs of one size, the output has one size, too.
        input_name: of the picture.
        output_name: of what is asked for.
    """

    def __init__(self, session: Any, input_name: str, output_name: str) -> None:
        self._session = session
        self._input_name = input_name
        self._output_name = output_name
        self._tensor: Float32 | None = None
        self._output: Float32 | None = None
        self._binding: Any = None

    def __call__(self, tensor: Float32) -> Float32:
        """The output for a picture.

        Args:
            tensor: the picture; it costs the least if it is the one of the last call, filled anew.

        Returns:
            The output, in memory that the next call for this tensor writes to.
        """
        if tensor is self._tensor:
            self._session.run_with_iobinding(self._binding)
        else:
            (self._output,) = self._session.run([self._output_name], {self._input_name: tensor})
            self._binding = self._session.io_binding()
            for bind, name, array in (
                (self._binding.bind_input, self._input_name, tensor),
                (self._binding.bind_output, self._output_name, self._output),
            ):
                bind(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
            self._tensor = tensor
        assert self._output is not None
        return self._output
