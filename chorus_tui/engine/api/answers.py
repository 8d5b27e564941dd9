"""What every refusal carries in its headers, whatever form its body has."""

from __future__ import annotations

import math

from chorus_tui.contract.problem import Problem


def problem_headers(problem: Problem) -> dict[str, str]:
    """What goes with ``problem`` besides its body."""
    headers = {"Cache-Control": "no-store"}
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="chorus"'
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(math.ceil(problem.retry_after_s))
    return headers
