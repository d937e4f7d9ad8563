"""Environments of Python for contestants that need packages which are not ours.

All their Pythons run with -I: the user's folder, PYTHONPATH and own packages are none of theirs.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.race import Unavailable
from benchmarks.race_process import finished, last_line

# Seconds after which a Python does not say which one it is.
_PATIENCE_FOR_VERSION = 30.0


@dataclass
class Environments:
    """Environments in a folder, made when they are asked for; what is there is used again.

    Attributes:
        folder: where.
        say: is told in one line what is going on.
        installed: what is in those that were used: versions by package, by what pip was asked for.
    """

    folder: Path
    say: Callable[[str], None] = print
    installed: dict[str, dict[str, str]] = field(default_factory=dict)
    _pythons: dict[tuple[str, ...], str] = field(default_factory=dict)
    _failed: dict[tuple[str, ...], str] = field(default_factory=dict)

    def python(self, requirements: tuple[str, ...], pythons: Sequence[str] = ()) -> str:
        """The Python that has some packages.

        Args:
            requirements: what pip has to install.
            pythons: versions of Python that these exist for, the best first; empty for any.

        Raises:
            Unavailable: they cannot be installed. That is tried once: without a network, pip takes
                a while to give up.
        """
        if requirements in self._failed:
            raise Unavailable(self._failed[requirements])
        if requirements not in self._pythons:
            try:
                python = self._environment(requirements, pythons)
                self.installed[" ".join(requirements)] = _versions(python)
            except Unavailable as reason:
                self._failed[requirements] = str(reason)
                raise
            self._pythons[requirements] = str(python)
        return self._pythons[requirements]

    def _environment(self, requirements: tuple[str, ...], pythons: Sequence[str]) -> Path:
        """The Python of an environment with these, made if need be."""
        name = "".join(c if c.isalnum() else "-" for c in requirements[0])
        folder = self.folder / name
        python, installed = folder / "bin" / "python", folder / "installed"
        try:
            # It is a link, and what it links to may be gone.
            if python.exists() and installed.read_text("utf-8") == "\n".join(requirements):
                return python
        except (OSError, ValueError):
            pass  # Made anew.
        base = base_python(pythons)
        self.say(f"installing {' '.join(requirements)} …")
        # Not with its pip at once: then it would not say why that is missing.
        _do("has no environment", [base, "-I", "-m", "venv", "--clear", "--without-pip", folder])
        _do(
            f"has no pip, which on Debian is in the package python3-venv, for {base}",
            [python, "-I", "-m", "ensurepip", "--default-pip"],
        )
        _do(
            "cannot be installed by pip",
            [python, "-I", "-m", "pip", "install", "--disable-pip-version-check", *requirements],
        )
        try:
            installed.write_text("\n".join(requirements), "utf-8")
        except OSError as error:
            raise Unavailable(f"has no environment: {installed}: {error.strerror}") from None
        return python


def base_python(versions: Sequence[str]) -> str:
    """A Python of one of these versions: this one if it is, else the first on PATH that runs.

    Raises:
        Unavailable: there is none.
    """
    this = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not versions or this in versions:
        return sys.executable
    for version in versions:
        for folder in os.get_exec_path():
            found = shutil.which(f"python{version}", path=folder)
            # One of pyenv is there also where its version is not chosen, and then does not run.
            if found is not None and _version(found) == version:
                return found
    names = " or ".join(f"python{version}" for version in versions)
    raise Unavailable(
        f"needs Python {' or '.join(versions)}: this is {this}, and PATH has no {names} that runs"
    )


def _version(python: str) -> str:
    """Of a Python; empty where it does not run."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = finished([python, "-I", "-c", code], _PATIENCE_FOR_VERSION)
    except Unavailable:
        return ""
    return "" if done.returncode else done.stdout.strip()


def _versions(python: Path) -> dict[str, str]:
    """Of the packages that a Python has."""
    what = f"does not tell what is installed (delete {python.parents[1]} to install it anew)"
    listing = ["-I", "-m", "pip", "list", "--disable-pip-version-check", "--format=json"]
    try:
        packages = json.loads(_do(what, [python, *listing]))
    except ValueError:
        raise Unavailable(f"{what}: its pip says no JSON") from None
    return {package["name"]: package["version"] for package in packages}


def _do(failure: str, command: Sequence[str | Path]) -> str:
    """What a command says.

    Raises:
        Unavailable: it failed or hangs; says so in these words, and why.
    """
    try:
        done = finished(command)
    except Unavailable as reason:
        raise Unavailable(f"{failure}: {reason}") from None
    if done.returncode:
        why = last_line(done.stderr) or last_line(done.stdout) or f"status {done.returncode}"
        raise Unavailable(f"{failure}: {why}")
    return done.stdout
