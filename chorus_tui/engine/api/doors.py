"""Where the API listens, and who may come in through which door.

The Unix socket lives in a folder of mode 0700 that must be this user's own; its caller has the admin scope, or that of a token it
chooses to show. TCP wants a bearer token, and a Host and Origin that no foreign web page can forge by rebinding its name to this
address.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import stat
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from chorus_tui.contract.operations import Scope
from chorus_tui.contract.problem import Problem
from chorus_tui.contract.sites import known_host, same_site


class CannotListen(Exception):
    """A door cannot be opened. The text names the address, the variable that sets it, and the way out."""


@dataclass(frozen=True, slots=True)
class Address:
    """A TCP address to listen on. Port 0 takes any free one. ``variable`` is the setting, named in errors."""

    host: str
    port: int
    variable: str


@dataclass(frozen=True, slots=True)
class Doors:
    """The doors to open. ``allowed_hosts`` are further names accepted in a Host header on TCP, ``cors_origins`` the sites whose pages
    may call; ``rate`` is how many requests a second one token may make."""

    unix: Path | None = None
    api: Address | None = None
    health: Address | None = None
    allowed_hosts: frozenset[str] = field(default_factory=frozenset)
    cors_origins: frozenset[str] = field(default_factory=frozenset)
    rate: float = 100.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: ``scope`` bounds what it may do, ``person`` is the verified name or empty, ``via`` the door.

    ``token`` is the digest of the token shown, empty without one; ``expires_at`` Unix seconds until when it does; ``folder`` that of
    this machine whose repositories it may name.
    """

    scope: Scope
    person: str
    via: Literal["socket", "tcp"]
    token: str = ""
    expires_at: float | None = None
    folder: str = ""

    @property
    def owner(self) -> bool:
        """Whether it is the engine's own user, at this machine and for nobody else."""
        return self.via == "socket" and not self.token

    @property
    def key(self) -> str:
        """Tells callers apart: by token, or by the person at the socket."""
        return self.token or f"{self.via}:{self.person}"


def listen_unix(path: Path) -> socket.socket:
    """A listening Unix socket of mode 0600. A stale one is removed, so call this only under the data folder's lock."""
    _own_folder(path.parent)
    if len(os.fsencode(path)) > 107:
        raise CannotListen(f"The socket path {path} is over 107 bytes: set XDG_RUNTIME_DIR to a shorter one")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        # Nobody else reaches it between bind and chmod: the folder is 0700.
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise CannotListen(f"Cannot open the socket {path}: {error.strerror}") from error
    listener.settimeout(0)
    return listener


def _own_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise CannotListen(f"Cannot make the runtime folder {folder}: {error.strerror}") from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise CannotListen(
            f"The runtime folder {folder} must be a folder of this user with mode 0700."
            " Remove it, or set XDG_RUNTIME_DIR"
        )


def listen_tcp(address: Address) -> socket.socket:
    """A listening TCP socket."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise CannotListen(f"{address.variable}: {address.host!r} is no address of this machine") from error
    listener = socket.socket(family, kind | socket.SOCK_CLOEXEC, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise CannotListen(
            f"Cannot listen on {address.host} port {address.port} ({error.strerror})."
            f" Set {address.variable} to a free port"
        ) from error
    listener.settimeout(0)
    return listener


def socket_caller(connection: socket.socket) -> Caller:
    """The caller at the other end of a Unix socket, by the kernel's word. Raises 403 for another user (but root)."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    if uid not in {os.geteuid(), 0}:
        raise Problem(403, "forbidden", "This engine belongs to another user")
    try:
        person = pwd.getpwuid(uid).pw_name
    except KeyError:
        person = str(uid)
    return Caller(Scope.ADMIN, person, "socket")


def check_host(
    host: str | None, origin: str | None, allowed: frozenset[str], origins: frozenset[str] = frozenset()
) -> None:
    """Refuse (403) what a web page of a foreign site could send: an unknown Host name, or an Origin other than it.

    Addresses, ``localhost``, names without a dot (no public site has one) and ``allowed`` ones pass, and so do ``origins``.
    """
    if not known_host(host, allowed | {socket.gethostname().lower()}):
        raise Problem(403, "host-refused", "This Host is not served here", "Use the engine's address, or localhost.")
    if origin is None or origin.lower() in origins:
        return
    if not same_site(origin, host):
        raise Problem(403, "origin-refused", "Requests from other sites are refused")
