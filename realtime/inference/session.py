"""onnxruntime: which processor really computes, and with how many threads.

TensorRT's provider is left out even where its libraries are there: before the first frame, it would
compile a network for minutes at each new size.
"""

from __future__ import annotations

import ctypes
import io
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

import onnxruntime as ort

from realtime.cores import usable_cores
from realtime.errors import DeviceError, ModelError
from realtime.frame import Float32

Device = Literal["auto", "cpu", "cuda"]

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"

# Two cores serve capture, inference and output together: one thread each. More cores let the
# network have half of them; beyond four, threads wait for each other on so small a network.
_MOST_THREADS = 4

# Of operations that CUDA leaves to the CPU.
_KINDS_TOLD = 3

# What the driver answers where no device is to be seen.
_NO_DEVICE = 100

# Fatal only: what goes wrong is raised too, and a user gets our one line, not the runtime's log.
_LOG_FATAL = 4


Provider = str | tuple[str, dict[str, str]]

DEVICE_LOCK = threading.Lock()
"""For all work on a CUDA device. While one thread captures a graph, others may not even take memory
there; and it is one device, on which they would wait for each other anyway."""


@dataclass(frozen=True, slots=True)
class Session:
    """An onnxruntime session that has run once.

    Attributes:
        session: the session, or what `on_cuda` opened in its place.
        provider: what computes, as onnxruntime calls it.
        reason: why this one, for the summary.
    """

    session: Any
    provider: str
    reason: str


def open_session(
    model: bytes | str,
    name: str,
    device: Device,
    probe: Callable[[Any], dict[str, Float32]],
    *,
    on_cuda: Callable[[], tuple[Any, str]] | None = None,
) -> Session:
    """Opens a session on the asked processor and proves that it works by running it once.

    Args:
        model: the content of the ONNX file, or its path.
        name: what to call the model in messages.
        device: "auto" takes CUDA if it really works, else the CPU.
        probe: makes an input for the session to run, which is the warm-up as well; it may raise
            ModelError where the network is of the wrong kind.
        on_cuda: opens what is to run in its place on CUDA, if there is anything, runs it once, and
            says how that went; it may raise whatever stands in the way.

    Raises:
        DeviceError: "cuda" was asked and does not work.
        ModelError: the file is not a network that onnxruntime can run.
    """
    if device not in get_args(Device):
        raise DeviceError(f"device {device!r}: choose auto, cpu or cuda")
    if device == "cpu":
        return Session(_open_cpu(model, name, probe), CPU, "asked for")
    obstacle = cuda_obstacle()
    if obstacle is None:
        try:
            session, reason = _open_cuda(model, probe) if on_cuda is None else on_cuda()
            return Session(session, CUDA, reason)
        except ModelError:
            raise
        except DeviceError as error:
            obstacle = str(error)
        except Exception as error:  # noqa: BLE001 - onnxruntime has no common exception type
            obstacle = f"CUDA failed: {first_line(error)}"
    if device == "cuda":
        raise DeviceError(f"CUDA cannot be used: {obstacle}; or choose --device cpu")
    return Session(_open_cpu(model, name, probe), CPU, obstacle)


def cuda_obstacle() -> str | None:
    """Why CUDA need not even be tried, or None. Asking the driver first keeps logs silent."""
    if CUDA not in ort.get_available_providers():
        return "this onnxruntime is a CPU build"
    library = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(library)
    except OSError:
        return "no NVIDIA driver"
    count = ctypes.c_int(0)
    answer: int = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    if answer == _NO_DEVICE or (not answer and not count.value):
        return "no NVIDIA device"
    if answer:
        return "the NVIDIA driver does not answer"
    _load_libraries()
    return None


@cache
def _load_libraries() -> None:
    """Those of CUDA, where pip has put them. That some are not there shows when they are used."""
    with redirect_stdout(io.StringIO()):
        ort.preload_dlls()


def _open_cuda(model: bytes | str, probe: Callable[[Any], dict[str, Float32]]) -> tuple[Any, str]:
    with DEVICE_LOCK:
        session = create_on_cuda(model)
        session.run(None, probe(session))
    return session, f"CUDA works{_left_to_the_cpu(session)}"


def _left_to_the_cpu(session: Any) -> str:
    """What of a network CUDA's provider does not do, in words; empty where that is nothing.

    Raises:
        DeviceError: it does nothing of it.
    """
    if not hasattr(session, "get_provider_graph_assignment_info"):
        return ""  # onnxruntime before 1.24 does not tell
    placed = [
        (part.ep_name, operation.op_type)
        for part in session.get_provider_graph_assignment_info()
        for operation in part.get_nodes()
    ]
    left = Counter(kind for provider, kind in placed if provider != CUDA)
    if not left:
        return ""
    if left.total() == len(placed):
        raise DeviceError("CUDA can do none of the network's operations")
    kinds = [kind for kind, _ in left.most_common(_KINDS_TOLD)]
    more = ", …" if len(left) > len(kinds) else ""
    told = ", ".join(kinds) + more
    return f", but the CPU does {left.total()} of {len(placed)} operations ({told})"


def create_on_cuda(model: bytes | str, options: dict[str, str] | None = None) -> Any:
    """A session on CUDA, by the holder of `DEVICE_LOCK`.

    Args:
        model: the content of the ONNX file, or its path.
        options: of the provider.

    Raises:
        DeviceError: onnxruntime gave one on the CPU.
        Exception: whatever else it says; it has no common exception type.
    """
    # What cuDNN cannot do it says through the logger that all sessions share, and onnxruntime then
    # does it otherwise.
    ort.set_default_logger_severity(_LOG_FATAL)
    session = _create(model, [(CUDA, options or {}), CPU])
    if session.get_providers()[0] != CUDA:
        raise DeviceError("onnxruntime could not load its CUDA libraries; pip install with [cuda]")
    return session


def create_on_cpu(model: bytes | str) -> Any:
    """A session on the CPU; raises whatever onnxruntime says."""
    return _create(model, [CPU])


def _open_cpu(model: bytes | str, name: str, probe: Callable[[Any], dict[str, Float32]]) -> Any:
    session: Any = None
    try:
        session = create_on_cpu(model)
        session.run(None, probe(session))
    except ModelError:
        raise
    except Exception as error:  # noqa: BLE001 - onnxruntime has no common exception type
        raise ModelError(
            f"{name}: onnxruntime cannot run it ({first_line(error)}); {advice_for(session)}"
        ) from None
    return session


def advice_for(session: Any) -> str:
    """What to do about a network that onnxruntime cannot run.

    Args:
        session: of it, None where it cannot even be opened.
    """
    otherwise = "choose another model, or export it again"
    # Whether an input has free axes behind the batch's.
    if session is None or all(
        isinstance(side, int) for i in session.get_inputs() for side in i.shape[1:]
    ):
        return otherwise
    return (
        "if its sides have to be multiples of 32, or larger, write "
        f'{{"stride": 32, "native_size": "512x288"}} into a .json beside it; else {otherwise}'
    )


def _create(model: bytes | str, providers: Sequence[Provider]) -> Any:
    options = ort.SessionOptions()
    options.log_severity_level = _LOG_FATAL
    options.intra_op_num_threads = network_threads()
    options.inter_op_num_threads = 1
    # A spinning thread takes its core away from the decoder and the encoder.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    # Its own fallback would print, and change the provider behind our back.
    return ort.InferenceSession(model, options, providers=providers, enable_fallback=0)


def network_threads() -> int:
    """How many threads a network gets on a CPU."""
    return max(1, min(_MOST_THREADS, usable_cores() // 2))


def is_onnxruntimes(error: BaseException) -> bool:
    """Whether onnxruntime raised it: its exceptions have no type in common.

    Some of CUDA's are plain.
    """
    return type(error) is RuntimeError or type(error).__module__.startswith("onnxruntime")


def first_line(error: BaseException) -> str:
    """What an error says first; onnxruntime's go on for many lines."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
