"""An engine process as the launcher sees it: lock, socket, ready line, reason; with answers in memory.

Run as ``stand_in.py -P -m chorus_tui.engine serve …``, the launcher's own command line.
``STAND_IN`` picks how it behaves.
"""

import argparse
import fcntl
import os
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.integration.doors.served import serve


def main() -> int:
    """Behave as ``STAND_IN`` says until SIGTERM; the exit code."""
    parser = argparse.ArgumentParser()
    for option in ("-m", "--kind", "--data-dir", "--stop-when-idle", "--ready-fd"):
        parser.add_argument(option)
    parser.add_argument("-P", action="store_true")
    parser.add_argument("command")
    given = parser.parse_args()
    data, ready, mood = Path(given.data_dir), int(given.ready_fd), os.environ.get("STAND_IN", "")
    if mood == "refuses":
        os.write(ready, b"error: CHORUS_LICENSE_ID is missing.\nRun: CHORUS_LICENSE_ID=dev-local chorus-tui\n")
        return 1
    if mood == "dies":
        sys.stderr.write("Fatal: no memory\n")
        return 1
    lock = os.open(data / "engine.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.write(ready, b"error: the data folder is in use by another engine\n")
        return 1
    os.write(lock, b'{"pid": %d}' % os.getpid())
    (data / "arguments").write_text(" ".join(sys.argv[1:]))
    gone = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: gone.set())
    with serve(data):
        with (data / "started").open("a") as file:
            file.write(f"{os.getpid()} {os.getsid(0)}\n")
        os.write(ready, b"ready\n")
        os.close(ready)
        # Bounded, so that a test that fails leaves nothing running for long.
        gone.wait(240)
    return 0


if __name__ == "__main__":
    sys.exit(main())
