"""The patches that can be shown without a network. Those that need two nodes: tests/integration/mesh."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.rpc_queue import DefaultMaxMessageSize, RpcQueue
from libp2p.stream_muxer.yamux.yamux import Yamux, YamuxStream
from nacl.secret import SecretBox

from chorus_tui.engine.mesh import hardening
from chorus_tui.engine.mesh.hardening import queues
from chorus_tui.engine.mesh.hardening.floods import Pace
from chorus_tui.engine.mesh.hardening.logs import LIMIT, Forward
from chorus_tui.engine.mesh.hardening.private_network import NONCE, PrivateConnection, xsalsa20
from chorus_tui.engine.mesh.hardening.yamux import WRITE_DEADLINE
from chorus_tui.engine.mesh.interface import MeshError
from chorus_tui.engine.mesh.limits import FRAMES_PER_SECOND, MAX_RPC

hardening.install()


def test_another_library_version_is_refused():
    """The patches reach inside the library; a version they were not written for is refused, with the way out."""
    hardening.require("0.8.1")
    with pytest.raises(MeshError, match=r"pip install libp2p==0\.8\.1"):
        hardening.require("0.8.2")


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=24, max_size=24), st.binary(max_size=300))
def test_the_cipher_is_xsalsa20(key, nonce, text):
    """Our key stream is the one of NaCl's secret box, which is XSalsa20 from its 33rd byte on."""
    boxed = SecretBox(key).encrypt(text, nonce).ciphertext[16:]

    assert xsalsa20(key, nonce).encrypt(bytes(32) + text)[32:] == boxed


class Pipe:
    """A raw connection's end that gives one byte at a time."""

    def __init__(self) -> None:
        self.sent = bytearray()

    async def write(self, data: bytes) -> None:
        self.sent += data

    async def read(self, n: int | None = None) -> bytes:
        data = bytes(self.sent[:1])
        del self.sent[:1]
        return data


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_the_private_connection_keeps_its_place(writes):
    """Writes of any length arrive whole though the wire gives single bytes, after a nonce of 24, and not in clear."""

    async def carry() -> None:
        wire = Pipe()
        sender, receiver = PrivateConnection(wire, "07" * 32), PrivateConnection(wire, "07" * 32)
        for data in writes:
            await sender.write(data)
        plain = b"".join(writes)
        if writes:
            assert len(wire.sent) == NONCE + len(plain)
        assert len(plain) < 8 or plain not in bytes(wire.sent)
        got = b""
        while piece := await receiver.read(65536):
            got += piece
        assert got == plain

    trio.run(carry)


def test_queues_hold_a_burst():
    """The queue the library makes for a peer takes thousands of frames, not 32."""
    import libp2p.pubsub.pubsub as library

    queue = library.RpcQueue()

    assert all(queue.push(rpc_pb2.RPC()) for _ in range(queues.SIZE))
    assert not queue.push(rpc_pb2.RPC())


def test_what_one_peer_splits_the_other_takes():
    """An answer of many large messages leaves in frames that a peer like us accepts, and frames as go and js make them are."""
    import libp2p.pubsub.pubsub as library

    answer = rpc_pb2.RPC(publish=[rpc_pb2.Message(data=bytes(200 * 1024)) for _ in range(30)])
    parts = library.RpcQueue().split_rpc(answer)

    assert sum(len(part.publish) for part in parts) == 30
    assert max(part.ByteSize() for part in parts) <= MAX_RPC
    assert DefaultMaxMessageSize <= MAX_RPC
    assert library.RpcQueue().max_message_size == MAX_RPC


def test_queued_frames_carry_no_peer_record():
    """The signed record is taken off every frame that is queued."""
    queue = RpcQueue()
    queue.push(rpc_pb2.RPC(senderRecord=b"record"))

    assert queue._queue.pop().senderRecord == b""


async def test_credit_is_returned_in_large_steps():
    """A thousand reads of 200 bytes cause one window update, not a thousand."""
    updates: list[int] = []

    class Connection:
        async def _write_frame(self, frame: bytes) -> None:
            updates.append(int.from_bytes(frame[8:], "big"))

    stream = YamuxStream(1, Connection(), is_initiator=True)
    for _ in range(1000):
        await stream._auto_tune_and_send_window_update(bytes_read=200)

    assert len(updates) == 1
    assert sum(updates) + stream._pending_recv_release == 200_000


class Slow:
    """A secured connection whose writes take a while."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    async def write(self, data: bytes) -> None:
        await trio.sleep(1)
        self.written.append(data)


async def test_a_cancelled_frame_is_still_written_whole(autojump_clock):
    """Cancelling the writer does not leave half a frame on the wire."""
    connection = Yamux.__new__(Yamux)
    connection._write_lock = trio.Lock()
    connection.secured_conn = Slow()
    connection.is_initiator_value = True
    with trio.move_on_after(0.1):
        await connection._write_frame(bytes(12))

    assert connection.secured_conn.written == [bytes(12)]


async def test_a_write_that_gets_nowhere_cuts_the_connection(autojump_clock):
    """A peer that takes no data loses its socket after the deadline, and the writer learns it."""
    closed: list[float] = []
    socket = SimpleNamespace(close=lambda: closed.append(trio.current_time()))
    raw = SimpleNamespace(stream=SimpleNamespace(stream=SimpleNamespace(socket=socket)))
    connection = Yamux.__new__(Yamux)
    connection._write_lock = trio.Lock()
    connection.secured_conn = SimpleNamespace(
        write=lambda _data: trio.sleep_forever(),  # noqa: ASYNC105 - the caller awaits it
        conn=SimpleNamespace(read_writer=SimpleNamespace(read_write_closer=raw)),
    )
    began = trio.current_time()
    with pytest.raises(ConnectionClosedError):
        await connection._write_frame(bytes(12))

    assert closed == [pytest.approx(began + WRITE_DEADLINE)]


def test_the_librarys_log_is_ours_and_short(capfd):
    """Warnings of the library do not reach stderr; long ones are cut, and a broken format string is no error."""
    logging.getLogger("libp2p.kad").warning("x" * 100_000)
    Forward().emit(logging.LogRecord("libp2p", logging.ERROR, "", 1, "%d", ("not a number",), None))
    out, err = capfd.readouterr()

    assert (err, logging.getLogger("libp2p").propagate) == ("", False)
    assert len(out) < 4 * LIMIT


async def test_frames_that_come_too_fast_wait(autojump_clock):
    """A burst passes at once; beyond it a connection reads so many frames a second and no more, and that is counted."""
    pace, waited = Pace(None), []
    pace.waited = lambda: waited.append(trio.current_time())
    began = trio.current_time()
    for _ in range(int(4 * FRAMES_PER_SECOND)):
        await pace.keep()
    assert trio.current_time() == began
    for _ in range(int(5 * FRAMES_PER_SECOND)):
        await pace.keep()

    assert 4.5 < trio.current_time() - began < 5.5
    assert waited
