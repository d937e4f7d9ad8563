"""What was found out about this machine, kept from one start to the next.

It is a hint: whoever asks has to do without it as well.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from realtime.machine import identity
from realtime.new_files import write_whole


def recall(path: Path) -> Any:
    """What `keep` was given, by this machine with these networks; None where there is nothing."""
    try:
        content = json.loads(path.read_text("utf-8"))
        return content["found"] if content["machine"] == identity() else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def keep(path: Path, found: Any) -> None:
    """Writes down what can be written as JSON, in place of what was there.

    Raises:
        OSError: it cannot be written.
    """
    content = {"machine": identity(), "found": found}
    path.parent.mkdir(parents=True, exist_ok=True)
    # Whole, for the sake of a run that starts just now.
    write_whole(path, (json.dumps(content, indent=1) + "\n").encode())
