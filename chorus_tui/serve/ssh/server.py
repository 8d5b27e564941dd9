"""Who may come in: the SSH server. Public keys only; a guest is who his key says, whatever user name he gave.

What it never opens: passwords, commands, subsystems, forwarding of ports, sockets, agents and displays. Most of these are asyncssh's
defaults, and all of them are said here, so that a test can see each.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any, Final

import asyncssh
import structlog

from chorus_tui.contract.ssh_key import fingerprint
from chorus_tui.serve.ssh.authorized import AuthorizedKey
from chorus_tui.serve.ssh.house import House
from chorus_tui.serve.ssh.limits import Callers

log = structlog.get_logger("serve.ssh")

KEEPALIVE_S: Final = 15
KEEPALIVES: Final = 3
WINDOW: Final = 64 << 10
"""What a client may send before it has to wait for us, in bytes."""
CLOSING_S: Final = 1.0


class Door(asyncssh.SSHServer):
    """One connection."""

    def __init__(self, house: House, callers: Callers, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._house = house
        self._callers = callers
        self._connections = connections
        self._connection: Any = None
        self._host = self.address = "unknown"
        self._waiting = False
        self._tried = 0
        self._offered: AuthorizedKey | None = None
        self.guest: AuthorizedKey | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Somebody is there; an address that has failed too often is not spoken to."""
        self._connection = conn
        host, port, *_ = conn.get_extra_info("peername") or ("unknown", 0)
        self._host, self.address = str(host), f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
        self._waiting = self._callers.come(self._host, time.monotonic())
        if not self._waiting:
            log.info("🚫 A connection was refused", address=self.address)
            conn.abort()
            return
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone; without a login it counts against its address."""
        self._connections.discard(self._connection)
        self._house.leave(self)
        if self._waiting:
            self._callers.fail(self._host, time.monotonic())
        self._settle()

    # ── who it is ──────────────────────────────────────────────────────────────────────────────────────────────────

    def begin_auth(self, username: str) -> bool:
        """Nobody comes in without a key."""
        return True

    def public_key_auth_supported(self) -> bool:
        """The only way in."""
        return True

    def password_auth_supported(self) -> bool:
        """No."""
        return False

    def kbdint_auth_supported(self) -> bool:
        """No."""
        return False

    def host_based_auth_supported(self) -> bool:
        """No."""
        return False

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether this key may come in. Asked before the signature is checked, so it settles nothing yet."""
        self._tried += 1
        self._offered = self._house.keys.find(key.public_data)
        if self._offered is None:
            log.info("🚫 A key was refused", address=self.address, key=fingerprint(key.public_data))
        if self._tried > self._house.limits.attempts + (self._offered is not None):
            self._connection.disconnect(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "Too many keys were offered")
            return False
        return self._offered is not None

    def auth_completed(self) -> None:
        """The signature was right: it is the key that was offered last, in the same breath."""
        self.guest = self._offered
        self._settle()
        refused = self._house.enter(self)
        if refused:
            log.info("🚫 A connection was refused", address=self.address, why=refused)
            self._connection.disconnect(asyncssh.DISC_TOO_MANY_CONNECTIONS, refused)

    def dismiss(self, why: str) -> None:
        """It may no longer be open."""
        log.info("🚫 A connection was ended", address=self.address, why=why)
        self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, why)

    # ── what for ───────────────────────────────────────────────────────────────────────────────────────────────────

    def session_requested(self) -> Any:
        """The portal. Raises ``ChannelOpenError`` with the reason why not."""
        if self.guest is None:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "no key was shown")
        session = self._house.admit(self.guest, self.address, self._host)
        if isinstance(session, str):
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, session)
        return session

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        """No port behind this machine."""
        return False

    def server_requested(self, listen_host: str, listen_port: int) -> bool:
        """No port of this machine."""
        return False

    def unix_connection_requested(self, dest_path: str) -> bool:
        """No socket of this machine; the engine's is one."""
        return False

    def unix_server_requested(self, listen_path: str) -> bool:
        """None for others either."""
        return False

    def tun_requested(self, unit: int | None) -> bool:
        """No network."""
        return False

    def tap_requested(self, unit: int | None) -> bool:
        """No network."""
        return False

    def _settle(self) -> None:
        if self._waiting:
            self._waiting = False
            self._callers.settle(self._host)


class Server:
    """Listens. ``key`` is the host key."""

    def __init__(self, house: House, key: asyncssh.SSHKey) -> None:
        self._house = house
        self._key = key
        self._callers = Callers(house.limits)
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._rounds: asyncio.Task[None] | None = None

    async def listen(self, host: str, port: int) -> int:
        """Open the door; the port. Raises ``OSError``."""
        self._acceptor = await asyncssh.listen(
            host, port, server_factory=self._door, server_host_keys=[self._key], server_version="chorus-tui",
            encoding=None, line_editor=False, window=WINDOW, login_timeout=self._house.limits.login_s, keepalive_interval=KEEPALIVE_S,
            keepalive_count_max=KEEPALIVES, compression_algs=["none"], password_auth=False, kbdint_auth=False, host_based_auth=False,
            gss_kex=False, gss_auth=False, agent_forwarding=False, x11_forwarding=False, allow_scp=False, sftp_factory=None,
        )  # fmt: skip
        self._rounds = asyncio.get_running_loop().create_task(self._house.look_round())
        return self._acceptor.get_port()

    async def close(self, why: str) -> None:
        """Nobody new; everybody here is told why and gets his terminal back."""
        if self._rounds is not None:
            self._rounds.cancel()
        if self._acceptor is not None:
            self._acceptor.close()
        await self._house.close(why)
        # A client whose last session has ended leaves by itself, with that session's status; cut off, it would tell of an error.
        await self._empty(CLOSING_S)
        for connection in list(self._connections):
            connection.disconnect(asyncssh.DISC_BY_APPLICATION, why)
        await self._empty(CLOSING_S)

    async def _empty(self, seconds: float) -> None:
        """Return when no connection is left, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(connection.wait_closed() for connection in self._connections))

    def _door(self) -> Door:
        return Door(self._house, self._callers, self._connections)
