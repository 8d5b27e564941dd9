"""The file of authorized keys: read anew when it changed, edited in one step, the owner's alone.

Whoever can write it can let himself in as anybody. So a file that others can write, or that belongs to somebody else, opens nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from chorus_tui.serve.ssh.authorized import Authorized, AuthorizedKey, parse

MOST_BYTES: Final = 4 << 20
T = TypeVar("T")

_HEAD: Final = """\
# Who may open the portal over SSH, a key a line: person="a name",scope="read|operate|admin" KEY
# Made by 'chorus-tui ssh keys add'. A change holds at once: connections of a key that is gone are ended.
"""


class KeysUnusable(Exception):
    """The file opens nothing. The text names it and the way out."""


class KeyFile:
    """The keys in ``path``. ``trouble`` is why it opens nothing; empty when it does, or when there is no file yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble = ""
        self._held = Authorized()
        self._seen: tuple[int, ...] | None = None

    def now(self) -> Authorized:
        """What holds at this moment; one look at the file, which is read only when it is another one than before."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            self._take(None, Authorized(), "")
            return self._held
        except OSError as error:
            self._take(None, Authorized(), f"Cannot look at {self.path}: {error.strerror}")
            return self._held
        mark = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_mode, status.st_uid)
        if mark != self._seen:
            try:
                self._take(mark, parse(_read(self.path)), "")
            except KeysUnusable as error:
                self._take(mark, Authorized(), str(error))
        return self._held

    def find(self, blob: bytes) -> AuthorizedKey | None:
        """The line of a public key, as the file says now."""
        return self.now().find(blob)

    def edit(self, change: Callable[[str], tuple[str, T]]) -> T:
        """Replace the text by what ``change`` makes of it; nobody else edits meanwhile.

        Raises :class:`KeysUnusable`, ``OSError``, and what ``change`` raises: then nothing is changed.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(self.path.with_name(f".{self.path.name}.lock")):
            text, answer = change(_read(self.path) if self.path.exists() else _HEAD)
            _replace(self.path, text)
        return answer

    def _take(self, mark: tuple[int, ...] | None, held: Authorized, trouble: str) -> None:
        self._seen, self._held, self.trouble = mark, held, trouble


def _read(path: Path) -> str:
    """The text. Raises :class:`KeysUnusable`."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid not in {os.geteuid(), 0} or stat.S_IMODE(status.st_mode) & 0o022:
                raise KeysUnusable(
                    f"{path} can be changed by others, so no key of it opens anything. Run: chmod 600 {path}"
                )
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise KeysUnusable(f"Cannot read {path}: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise KeysUnusable(f"{path} is larger than {MOST_BYTES} bytes, so no key of it opens anything")
    return data.decode("utf-8", "replace")


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _replace(path: Path, text: str) -> None:
    """In one step, mode 0600, on the disk when it returns; a link keeps pointing where it does. Raises ``OSError``."""
    target = path.resolve()
    handle, name = tempfile.mkstemp(prefix=".", dir=target.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
