"""Make a network's alphas more decided: logits → gain · logits + shift.

`python -m models.sharpen best.pt --gain 1.5 --out sharper.pt` changes the last convolutions and
nothing else, so it costs no time and moves no outline (at a shift of 0, α = .5 stays where it is).
Cross-entropy leaves alphas softer than the truth: each is the mean of what it might be.
"""

import copy
from pathlib import Path

import torch

from models import command
from models.checkpoint import load_weights, save_weights
from models.errors import ModelsError
from models.network import MattingNetwork


def sharpen(network: MattingNetwork, gain: float, shift: float = 0.0) -> MattingNetwork:
    """A copy whose logits are gain · logits + shift; `ModelsError` unless `gain` is above 0."""
    if gain <= 0:
        raise ModelsError(f"--gain is {gain}: it must be above 0")
    result = copy.deepcopy(network)
    ends = [result.last] + ([result.detail.answer.conv] if result.detail is not None else [])
    with torch.no_grad():
        for conv in ends:
            assert conv.bias is not None
            conv.weight.mul_(gain)
            conv.bias.mul_(gain)
        assert result.last.bias is not None
        result.last.bias.add_(shift)
    return result


def main() -> int:
    parser = command.parser("models.sharpen", __doc__)
    parser.add_argument("weights", type=Path, help="checkpoint (.pt)")
    parser.add_argument("--gain", type=float, required=True, help="1 changes nothing")
    parser.add_argument("--shift", type=float, default=0.0, help="(%(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    arguments = parser.parse_args()
    network = sharpen(load_weights(arguments.weights), arguments.gain, arguments.shift)
    save_weights(arguments.out, network, {"gain": arguments.gain, "shift": arguments.shift})
    return 0


if __name__ == "__main__":
    raise SystemExit(command.run_command(main))
