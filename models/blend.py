"""Interpolate between two checkpoints, usually before and after fine-tuning.

`python -m models.blend start.pt best.pt --part 0.5 --out blend.pt` takes half of each. As long as
the second was trained from the first, the blend keeps what the first knew from data that we do not
have and often beats both (M. Wortsman et al., arXiv 2109.01903).
"""

import copy
from pathlib import Path

import torch

from models import command
from models.checkpoint import load_weights, save_weights
from models.errors import ModelsError
from models.network import MattingNetwork


def blend(first: MattingNetwork, second: MattingNetwork, part: float) -> MattingNetwork:
    """(1 − part)·first + part·second.

    Raises `ModelsError` unless 0 ≤ part ≤ 1 and both are of one architecture.
    """
    if not 0 <= part <= 1:
        raise ModelsError(f"--part is {part}: it must lie in 0..1")
    if first.name != second.name:
        raise ModelsError(f"one network is {first.name}, the other {second.name}")
    result, other = copy.deepcopy(first), second.state_dict()
    with torch.no_grad():
        for name, value in result.state_dict().items():
            value.lerp_(other[name], part)
    return result.eval()


def main() -> int:
    parser = command.parser("models.blend", __doc__)
    parser.add_argument("first", type=Path, help="checkpoint (.pt)")
    parser.add_argument("second", type=Path, help="checkpoint trained from the first (.pt)")
    parser.add_argument("--part", type=float, default=0.5, help="of the second (%(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    arguments = parser.parse_args()
    network = blend(load_weights(arguments.first), load_weights(arguments.second), arguments.part)
    about: dict[str, str | int | float] = {"part": arguments.part}
    save_weights(arguments.out, network, about)
    return 0


if __name__ == "__main__":
    raise SystemExit(command.run_command(main))
