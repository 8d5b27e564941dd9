"""One guest's portal: the process behind a tab. Its token comes through a pipe, so that no list of processes shows it."""

from __future__ import annotations

import argparse
import os
import traceback
from pathlib import Path
from typing import Any

from chorus_tui.client import Progress
from chorus_tui.client.local_files import Reach, confine
from chorus_tui.client.socket_client import SocketClient
from chorus_tui.locations import socket_path
from chorus_tui.serve.bounds import GuestPortal


class GuestApp(GuestPortal):
    """The portal, for somebody in a browser."""

    def _fatal_error(self) -> None:
        """The stock one shows the values of variables, which may be secrets; this goes to the server's log without them."""
        self.bell()
        traceback.print_exc()
        self._close_messages_no_wait()


def connector(data: Path, token: str) -> Any:
    """Greets the engine with the guest's token; starts none."""

    async def connect(progress: Progress) -> SocketClient:
        progress("Greeting the engine")
        client = SocketClient(socket_path(data), token)
        try:
            await client.greet()
        except BaseException:
            await client.close()
            raise
        return client

    return connect


def main() -> None:
    """Run until the guest leaves, the tab is closed, or the server ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--token-fd", type=int, required=True)
    parser.add_argument("--log-fd", type=int, required=True)
    parser.add_argument("--root", default="")
    given = parser.parse_args()
    os.dup2(given.log_fd, 2)
    os.close(given.log_fd)
    with os.fdopen(given.token_fd) as pipe:
        token = pipe.read()
    confine(Reach.of_guests(given.root))
    GuestApp(connector(given.data_dir, token)).run()


if __name__ == "__main__":
    main()
