"""`realtime config`: the configuration file to begin with."""

from __future__ import annotations

import click

from realtime.config import render


@click.command(
    epilog="""\b
Examples:
  realtime config > live.toml
  realtime live --config live.toml      saved changes apply while it runs
"""
)
def config() -> None:
    """Print a configuration file with every option, what it is for, and its default."""
    print(render(), end="")
