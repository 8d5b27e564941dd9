"""libp2p's log goes to ours, shortened.

Reason: the library's logger has no handler and does not propagate, so its warnings reach stderr through logging's last
resort and tear a terminal screen; some of its lines carry whole values (a 20-node run wrote 43 MB).
"""

from __future__ import annotations

import logging
from typing import Final

import structlog

LIMIT: Final = 300
"""Characters of one library message that are kept."""


class Forward(logging.Handler):
    """Hands records to the engine's log; the library calls much an error that is daily life of a network."""

    def emit(self, record: logging.LogRecord) -> None:
        """One record; never raises."""
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 - a library's broken format string must not reach its caller
            text = str(record.msg)
        text = " ".join(text[: 2 * LIMIT].split())[:LIMIT]
        log = structlog.get_logger(record.name)
        if record.levelno >= logging.CRITICAL:
            log.warning("libp2p", said=text)
        else:
            log.debug("libp2p", said=text)


def install() -> None:
    """Give the library's loggers our handler, and nothing else."""
    for name in ("libp2p", "zeroconf", "multiaddr"):
        logger = logging.getLogger(name)
        logger.handlers = [Forward()]
        logger.propagate = False
        logger.setLevel(logging.WARNING)
