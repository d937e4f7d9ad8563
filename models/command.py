"""What the command lines of this package share."""

import argparse
from pathlib import Path


def parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """Reads the arguments of `python -m MODULE`; its help shows the description line by line."""
    return argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def data_option(arguments: argparse.ArgumentParser) -> None:
    """Adds `--data`, the folder of pictures (see `models.dataset`), as `data`."""
    arguments.add_argument(
        "--data",
        type=Path,
        default=Path("../shared/data"),
        help="folder with index.csv and backgrounds.csv (%(default)s)",
    )
