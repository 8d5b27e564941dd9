"""An engine of an agent that a test cannot wait for: ``python -m tests.integration.system.hurried AHEAD OPEN``.

Its machine's clock is AHEAD seconds ahead, and a licence server that refused or was left alone is asked again after OPEN seconds.
"""

from __future__ import annotations

import sys
import time

from chorus_tui.engine import __main__ as engine
from chorus_tui.engine.licensing import rules


def main() -> int:
    """Serve as always besides."""
    ahead, right = float(sys.argv[1]), time.time
    time.time = lambda: right() + ahead
    rules.OPEN_S = float(sys.argv[2])  # type: ignore[misc] # see above
    sys.argv = ["engine", "serve"]
    return engine.main()


if __name__ == "__main__":
    sys.exit(main())
