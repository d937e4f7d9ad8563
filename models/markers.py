"""Parts of a Markdown file that programs write: figures are generated there, never typed."""

import re
from collections.abc import Iterable, Sequence

from models.errors import ModelsError


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Heads and rows of cells, as Markdown."""
    lines = [heads, *rows]
    first, *others = (f"| {' | '.join(cells)} |" for cells in lines)
    return "\n".join([first, "|" + "---|" * len(heads), *others])


def fill_in(text: str, name: str, content: str) -> str:
    """Exchange what stands between the two markers of a name.

    They are `<!-- NAME: written by python -m TOOL -->` and `<!-- end of NAME -->`.

    Raises:
        ModelsError: there are no such markers.
    """
    pattern = re.compile(rf"(<!-- {name}: [^>]*-->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise ModelsError(f"no markers for {name}; put them back where the figures belong")
    return pattern.sub(lambda match: f"{match[1]}{content}\n{match[2]}", text)
