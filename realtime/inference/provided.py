"""What computes, and why: told together, so that no other thread sees the one without the other."""

from __future__ import annotations


class Provided:
    """Has something compute for it.

    Attributes:
        computes: what computes, as onnxruntime calls it, and why this one, with what is amiss with
            it by now; from any thread.
    """

    computes: tuple[str, str]

    @property
    def provider(self) -> str:
        """What computes, as onnxruntime calls it."""
        return self.computes[0]

    @property
    def provider_reason(self) -> str:
        """Why this one, and what is amiss with it by now."""
        return self.computes[1]
