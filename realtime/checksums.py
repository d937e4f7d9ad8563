"""The files that come with the program, and what they should be: a broken install is noticed.

After a change of networks or pictures, record them anew: python -m realtime.checksums
"""

from __future__ import annotations

import hashlib
from pathlib import Path

_PACKAGE = Path(__file__).parent
_RECORD = _PACKAGE / "assets" / "sha256sums.txt"
_PATTERNS = ("inference/weights/*.onnx", "**/assets/*")


def recorded(record: Path = _RECORD) -> dict[str, str]:
    """SHA-256 of each file by its path in the package, as committed."""
    lines = record.read_text(encoding="utf-8").splitlines()
    return {path: digest for digest, path in (line.split("  ", 1) for line in lines)}


def computed(package: Path = _PACKAGE) -> dict[str, str]:
    """SHA-256 of each file by its path in the package, as it is."""
    files = {path for pattern in _PATTERNS for path in package.glob(pattern)}
    return {
        path.relative_to(package).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(files)
        if path.name != _RECORD.name
    }


def main() -> None:
    """Records the files as they are."""
    lines = [f"{digest}  {path}\n" for path, digest in computed().items()]
    _RECORD.write_text("".join(lines), encoding="utf-8", newline="\n")
    print(f"recorded {len(lines)} files in {_RECORD}")


if __name__ == "__main__":
    main()
