"""Processes that tests begin where the imports have ended."""

from __future__ import annotations

import os
import threading

from tests.support import warm


def test_threads_that_ask_one_process_hear_one_exit_code():
    """Eight threads wait for and poll the same processes, which all end as told: nobody hears of another end."""
    heard: list[int] = []
    for _ in range(5):
        process = warm.Process("cli", ["no-such-command"], dict(os.environ), os.devnull, os.devnull, os.devnull)
        ready = threading.Barrier(8)

        def ask(process=process, ready=ready) -> None:
            ready.wait()
            code = process.poll()
            while code is None:
                code = process.poll()
            heard.append(code)
            heard.append(process.wait(10))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(30)

    assert heard == [2] * 80
