"""How much longer than on a calm machine tests wait for something before they call it missing.

No test's outcome is to depend on what else the machine does: what comes is seen when it comes, and only what never comes costs the
whole time. Where a time is a promise of the product, the test says so and asks for it without patience.
"""

from __future__ import annotations

from typing import Final

PATIENCE: Final = 4
