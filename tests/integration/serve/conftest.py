"""One real engine of a person, and the SSH portal as a real process on it, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.serve.ssh_portal import SSHPortal
from tests.integration.system.peers import Peer


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SSHPortal]:
    folder = tmp_path_factory.mktemp("ssh")
    peer = Peer(folder, "host", kind="human").start().ready()
    made = SSHPortal(peer, folder)
    try:
        for person, scope in (("ana", "operate"), ("rita", "read"), ("omar", "admin")):
            made.key(person, scope)
        yield made.start()
    finally:
        if made.process is not None and made.process.poll() is None:
            made.stop()
        peer.stop()
