"""`realtime doctor`: what works here, and how to mend what does not."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click

_MARKS = {"ok": "ok", "warning": "WARNING", "failed": "FAILED"}


@click.command(
    epilog="""\b
Examples:
  realtime doctor
  realtime doctor --json
"""
)
@click.option("--json", "as_json", is_flag=True, help="Say it in one line of JSON.")
def doctor(as_json: bool) -> None:
    """Check what a run needs, and name the fix of what is wrong.

    Exits with 1 where nothing can work. A warning, such as a missing camera, is no failure.
    """
    from realtime.doctor import diagnose

    checks = []
    for check in diagnose():
        checks.append(check)
        if not as_json:
            print(f"{_MARKS[check.status]:<8} {check.name:<15} {check.found}")
            if check.fix:
                print(f"{'':<25}fix: {check.fix}")
    works = all(check.status != "failed" for check in checks)
    if as_json:
        print(json.dumps({"works": works, "checks": [asdict(check) for check in checks]}))
    sys.exit(0 if works else 1)
