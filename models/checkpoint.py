"""Weights on disk: the network's tensors, with what it takes to rebuild it."""

import pickle
from pathlib import Path
from typing import Any

import torch

from models.errors import ModelsError
from models.network import MattingNetwork


def save_weights(
    path: Path, network: MattingNetwork, about: dict[str, str | int | float] | None = None
) -> None:
    """Write the network (normalisations unfolded) so that `load_weights` rebuilds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"wide": network.wide, "state": network.state_dict(), "about": about or {}}, path)


def load_weights(path: Path) -> MattingNetwork:
    """The network of a file written by `save_weights`, in eval mode.

    Raises `ModelsError` if the file is missing or is not such a file.
    """
    stored = read(path)
    if "state" not in stored or "wide" not in stored:
        raise ModelsError(f"{path} holds no network: give a file that models.train wrote")
    network = MattingNetwork(stored["wide"])
    network.load_state_dict(stored["state"])
    return network.eval()


def read(path: Path) -> dict[str, Any]:
    """The dictionary in a checkpoint file; `ModelsError` if there is none."""
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ModelsError(f"no checkpoint at {path}") from error
    except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError, KeyError, OSError) as error:
        raise ModelsError(
            f"{path} is no checkpoint: give a file that models.train wrote"
        ) from error
    if not isinstance(stored, dict):
        raise ModelsError(f"{path} is no checkpoint of this package")
    return stored
