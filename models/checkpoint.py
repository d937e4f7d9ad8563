"""Weights on disk: the network's tensors, with what it takes to rebuild it."""

import pickle
from pathlib import Path
from typing import Any

import torch

from models.errors import ModelsError
from models.network import ARCHITECTURES, MattingNetwork


def save_weights(
    path: Path, network: MattingNetwork, about: dict[str, str | int | float] | None = None
) -> None:
    """Write the network so that `load_weights` rebuilds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"network": network.name, "state": network.state_dict(), "about": about or {}}, path)


def load_weights(path: Path, name: str | None = None) -> MattingNetwork:
    """The network of a file written by `save_weights`, in eval mode.

    Args:
        path: the checkpoint.
        name: of another architecture: it takes over the weights of every part that both have.

    Raises:
        ModelsError: the file is missing or is not such a file.
    """
    stored = read(path)
    if "state" not in stored or stored.get("network") not in ARCHITECTURES:
        raise ModelsError(f"{path} holds no network: give a file that models.train wrote")
    network = MattingNetwork(name or stored["network"])
    own = network.state_dict()
    shared = {
        key: value
        for key, value in stored["state"].items()
        if key in own and own[key].shape == value.shape
    }
    network.load_state_dict(own | shared)
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
