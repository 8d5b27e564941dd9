"""One end of a copy over the mesh: ``serve FILE`` until it is ended, or ``take ADDRESS FILE``."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import trio

from benchmarks.mesh_ours import engine_node
from benchmarks.mesh_peer import quiet, say
from chorus_tui.engine.mesh.interface import Stream

PROTOCOL = "/chorus/bench/copy/1"
KEY = bytes(range(32))
PIECE = 1 << 16


async def main(role: str, *about: str) -> None:
    """The taker says how many seconds passed from the opening of the stream to the last byte."""

    async def give(stream: Stream) -> None:
        async with await trio.open_file(about[0], "rb") as file:
            while piece := await file.read(PIECE):
                await stream.send(piece)
        await stream.finish()

    with tempfile.TemporaryDirectory(prefix="chorus-bench-") as folder:
        mesh = engine_node(Path(folder), KEY)
        mesh.serve(PROTOCOL, give)
        async with trio.open_nursery() as nursery:
            await nursery.start(mesh.run)
            if role == "serve":
                say({"address": mesh.addresses()[0]})
                await trio.sleep_forever()
            server = await mesh.connect(about[0])
            began = time.perf_counter()
            stream = await mesh.open(server, PROTOCOL)
            async with await trio.open_file(about[1], "wb") as file:
                while (piece := await stream.receive()) is not None:
                    await file.write(piece)
            say({"seconds": time.perf_counter() - began})
            nursery.cancel_scope.cancel()


if __name__ == "__main__":
    quiet()
    trio.run(main, *sys.argv[1:])
