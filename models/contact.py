"""Look at what training will see: samples, each beside its alpha, on one sheet.

`python -m models.contact --data ../shared/data --out sheet.jpg --count 100 --seed 1`

They are the first ones that models.train draws with this seed, network and batch, and one loader
process or none, but for the pictures that its `--agreement` leaves out. Each batch has one size; a
third of them are pairs of consecutive frames.
"""

from collections.abc import Sequence
from itertools import chain, islice
from pathlib import Path

import cv2
import numpy as np

from models import command
from models.batches import Batches, batch_sizes
from models.dataset import F32, U8
from models.errors import ModelsError
from models.network import ARCHITECTURES, MattingNetwork
from models.pictures import load_pictures
from models.plan import Plan
from models.scenes import Sampler

CELL = 192
"""Longest side of a sample on the sheet."""

COLUMNS = 5

MOST = 1000
"""Samples on a sheet: a JPEG has at most 65,535 rows."""


def sheet(samples: Sequence[tuple[U8, F32]], columns: int = COLUMNS) -> U8:
    """Samples (uint8 [H, W, 3] RGB, alpha float32 [H, W] in 0..1) in rows, uint8 RGB.

    Each takes `CELL` x 2 `CELL` pixels: the picture on the left, its alpha on the right.
    """
    rows = -(-len(samples) // columns)
    page = np.full((rows * CELL, columns * 2 * CELL, 3), 64, np.uint8)
    for number, (image, alpha) in enumerate(samples):
        top, left = number // columns * CELL, number % columns * 2 * CELL
        scale = CELL / max(alpha.shape)
        height, width = (max(1, round(side * scale)) for side in image.shape[:2])
        grey = np.rint(alpha * 255).astype(np.uint8)
        for part, shown in enumerate((image, cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB))):
            small = cv2.resize(shown, (width, height), interpolation=cv2.INTER_AREA)
            x = left + part * CELL
            page[top : top + height, x : x + width] = small
    return page


def main() -> int:
    parser = command.parser("models.contact", __doc__)
    command.data_option(parser)
    parser.add_argument("--out", type=Path, required=True, help="picture to write")
    parser.add_argument("--count", type=int, default=100, help="of samples (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the run (%(default)s)")
    parser.add_argument(
        "--network", choices=ARCHITECTURES, default="fast", help="of the run (%(default)s)"
    )
    parser.add_argument("--batch", type=int, default=16, help="of the run (%(default)s)")
    parser.add_argument("--licences", choices=("all", "permissive"), default="all")
    parser.add_argument("--sets", nargs="*", default=(), help="only these sets of people")
    arguments = parser.parse_args()
    if not 1 <= arguments.count <= MOST:
        raise ModelsError(f"--count is {arguments.count}: it must be in 1..{MOST}")
    plan = Plan(batch=arguments.batch, seed=arguments.seed, workers=0)
    pictures = load_pictures(arguments.data, arguments.licences, arguments.sets)
    sampler = Sampler(pictures.people, pictures.backgrounds, pictures.products)
    batches = Batches(sampler, batch_sizes(MattingNetwork(arguments.network)), plan, 0)
    samples = chain.from_iterable(
        zip(batch.images.numpy(), batch.alpha[:, 0].numpy(), strict=True) for batch in batches
    )
    page = sheet(list(islice(samples, arguments.count)))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    try:
        written = cv2.imwrite(str(arguments.out), cv2.cvtColor(page, cv2.COLOR_RGB2BGR))
    except cv2.error as error:
        raise ModelsError(f"cannot write {arguments.out}: name a .jpg or .png") from error
    if not written:
        raise ModelsError(f"cannot write {arguments.out}: name a .jpg or .png in a folder of yours")
    print(f"{arguments.count} samples of {len(pictures.people)} people in {arguments.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(command.run_command(main))
