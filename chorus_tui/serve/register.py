"""Which processes serve the portal of a data folder, each in a file of its own that goes when it goes.

A file is written whole or not at all, and belongs to its user alone. One that a killed process left tells of a pid that is gone:
readers ask for that, nobody has to clean up.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from chorus_tui.contract.models.portals import ServedPortal
from chorus_tui.portals import FOLDER


class Register:
    """This process's own line in the register of ``data``, the data folder."""

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER
        self._path: Path | None = None

    def tell(self, portal: ServedPortal) -> None:
        """Write what holds now. Raises ``OSError``."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = self._folder / f"{portal.kind}-{portal.pid}.json"
        handle, name = tempfile.mkstemp(prefix=".", dir=self._folder)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(portal.model_dump_json())
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def leave(self) -> None:
        """This process serves no more."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
