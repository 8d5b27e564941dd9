"""Many short engines from one set of imports: each case is a real process of its own, forked before anything runs.

``python -m tests.integration.system.licence_cases FOLDER`` reads cases as JSON from stdin, a list of environments, and prints for
each how its engine ended: exit code, what it said on stderr, how many sockets it bound before.
``GRACE_S`` in a case shortens the 72 hours, which no test can wait for.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from chorus_tui.engine import __main__ as engine
from chorus_tui.engine.licensing import rules
from chorus_tui.engine.runtime import serve  # noqa: F401 - what takes long to import is here before the first fork


def live(case: dict[str, str], folder: Path, number: int) -> int:
    """One engine, in a process of its own."""
    binds = os.open(folder / f"{number}.binds", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    said = os.open(folder / f"{number}.stderr", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(said, 2)
    os.dup2(said, 1)
    sys.addaudithook(lambda event, _arguments: os.write(binds, b".") if event == "socket.bind" else None)
    if "GRACE_S" in case:
        rules.GRACE_S = float(case.pop("GRACE_S"))  # type: ignore[misc] # see above
    os.environ.clear()
    os.environ.update(case)
    sys.argv = ["engine", "serve"]
    return engine.main()


def main() -> None:
    """Start all, wait for all."""
    folder, cases, children = Path(sys.argv[1]), json.load(sys.stdin), []
    for number, case in enumerate(cases):
        child = os.fork()
        if not child:
            try:
                os._exit(live(case, folder, number))
            finally:
                os._exit(70)
        children.append(child)
    ends = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    found = [
        {
            "code": code,
            "said": (folder / f"{number}.stderr").read_text(),
            "binds": len((folder / f"{number}.binds").read_bytes()),
        }
        for number, code in enumerate(ends)
    ]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
