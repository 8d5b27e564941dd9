"""When the collector of garbage looks through everything, in a process that is one portal's alone.

It stops the portal while it looks: some 25 ms with all that is imported and the first screen, which stay until the end, on the way of
every hundredth key. So these are set aside, and a look through the rest is over within a frame. A process with portals of others must
not do so: what is set aside with one of them would never be let go.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def none_while_importing() -> Iterator[None]:
    """Nothing is looked for meanwhile, and what is there in the end is set aside."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def set_aside() -> None:
    """What lives now, too; what does not is let go first."""
    gc.collect()
    gc.freeze()
