"""Text in vector files that stays text: it can be edited, searched and set in another font."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

__all__ = ["editable_text"]

# matplotlib has these settings for the whole process only. Two threads that restored them in the
# wrong order would leave ours behind.
_LOCK = threading.RLock()


@contextlib.contextmanager
def editable_text() -> Iterator[None]:
    """Have figures saved with text as text while the context lasts; then all is as before."""
    import matplotlib as mpl

    # TrueType fonts instead of outlines (Type 3), which journals refuse; text elements in SVG.
    text = mpl.rc_context({"pdf.fonttype": 42, "ps.fonttype": 42, "svg.fonttype": "none"})
    with _LOCK, text:
        yield
