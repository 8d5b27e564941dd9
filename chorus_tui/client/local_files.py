"""Which files of this machine a front may open for the person at it.

A portal in somebody's own terminal opens what its user may. One that is served to others, over SSH or in a browser, opens nothing of
the server, or what lies below one folder (``CHORUS_SERVE_ROOT``). That holds for the whole process: who serves says it once, before
the first guest, and nothing takes it back. Whatever a person typed as a path goes through :func:`local`, and what is read
whole through :func:`read`.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

GIT: Final = ".git"


class OutOfReach(OSError):
    """A file that the person may not open from here. The text is for people."""

    def __init__(self, typed: str, why: str) -> None:
        super().__init__(f"{typed}: {why}")
        self.strerror = why


@dataclass(frozen=True, slots=True)
class Reach:
    """How far it goes. ``served`` False: everywhere. Else below ``root``, a folder without links in its path, or nowhere."""

    served: bool = False
    root: Path | None = None

    @classmethod
    def of_guests(cls, root: str) -> Reach:
        """That of a served portal; ``root`` empty: no file. Raises ``ValueError`` when it is no folder."""
        if not root:
            return cls(served=True)
        folder = Path(root).expanduser()
        if not folder.is_dir():
            raise ValueError(f"CHORUS_SERVE_ROOT: {root} is no folder on this machine; leave it out, or name one")
        return cls(served=True, root=folder.resolve())

    def path(self, typed: str | Path) -> Path:
        """The file or folder that is meant. Raises :class:`OutOfReach`."""
        if "\0" in str(typed):
            raise OutOfReach(repr(str(typed)), "no file has such a name")
        try:
            if not self.served:
                return Path(typed).expanduser()
            if self.root is None:
                raise OutOfReach(str(typed), "files of the server are out of reach in a served portal")
            # Not expanded: ~ is the home of who serves, which is nobody here.
            found = (self.root / typed).resolve()
        except (RuntimeError, ValueError) as error:  # ~ of nobody, links in a circle
            raise OutOfReach(repr(str(typed)), f"there is no such file ({error})") from error
        if found != self.root and self.root not in found.parents:
            raise OutOfReach(str(typed), f"only what lies in {self.root} is within reach")
        # What is written there is run by the next git: its configuration names programs.
        if GIT in (part.casefold() for part in found.relative_to(self.root).parts):
            raise OutOfReach(str(typed), "the inside of a git repository is out of reach")
        return found

    @property
    def start(self) -> Path:
        """What a question for a folder begins with."""
        return (self.root or Path("/")) if self.served else Path.cwd()


_reach: list[Reach] = [Reach()]


def confine(reach: Reach) -> None:
    """From now on nothing beyond ``reach`` is opened by this process. Only a smaller one is taken: raises ``ValueError``."""
    if _reach[0].served and reach != _reach[0]:
        raise ValueError("This process serves the portal already, with another reach")
    _reach[0] = reach


def local(typed: str | Path) -> Path:
    """What was typed, as a path that may be opened. Raises :class:`OutOfReach`."""
    return _reach[0].path(typed)


def read(typed: str | Path, most: int) -> bytes:
    """All of a plain file, of ``most`` bytes at most; its size is looked at before anything is read. Raises ``OSError`` with the reason."""
    file = local(typed)
    # Not waited for: what is no plain file may have nobody at its other end.
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
        # Of the file that is open: between the look at its path and now a link may have taken a part of that path.
        if served() and Path(f"/proc/self/fd/{opened.fileno()}").readlink() != file:
            raise OutOfReach(str(typed), "it was moved while it was opened")
        status = os.fstat(opened.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OutOfReach(str(typed), "it is no plain file")
        data = b"" if status.st_size > most else opened.read(most + 1)
    size = max(status.st_size, len(data))
    if size > most:
        raise OutOfReach(str(typed), f"it holds {size} bytes; {most} at most are taken")
    return data


def served() -> bool:
    """Whether the person is a guest: not the user that this process runs as."""
    return _reach[0].served


def here() -> Path:
    """The folder that is offered first."""
    return _reach[0].start
