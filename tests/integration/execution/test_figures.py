"""What a running sandbox uses is told while it runs, and the most of it in the result."""

from __future__ import annotations

import pytest
import trio

from tests.support.patience import PATIENCE

pytestmark = pytest.mark.docker
SHORT_S = 1.0
"""No second sample comes in this time."""


async def test_cpu_memory_and_folders_are_told_while_it_runs(bench):
    """A loop under a limit, 20 MiB held, 30 MiB written: each shows up about as large as it is, and as peak at the end."""
    busy = (
        "import time\nheld = bytearray(20 << 20)\nopen('/tmp/big', 'wb').write(bytes(30 << 20))\n"
        "began, end = time.monotonic(), time.monotonic() + 10\nwhile time.monotonic() < end: pass\n"
        "print(100 * time.process_time() / (time.monotonic() - began))"
    )
    result = await bench.run(f'python3 -c "{busy}"', language="python", limits={"cpus": 0.5})
    seen = bench.heard.seen

    assert result.outcome == "completed", result.output_tail
    assert len(seen) >= 2
    own = float(result.output_tail)  # what it got, as it says itself: on a busy machine less than its limit
    assert 0.5 * own < max(cpu for cpu, _, _ in seen) < 90
    assert 45 < max(memory for _, memory, _ in seen) < 200
    assert 29 < max(disk for _, _, disk in seen) < 40
    assert result.max_cpu_percent == max(cpu for cpu, _, _ in seen)
    assert result.max_disk_mb == max(disk for _, _, disk in seen)
    assert result.max_memory_mb >= 49


async def test_a_short_task_has_its_peak_of_memory_and_no_figures(bench):
    """It is over before a second sample: nothing is invented, and the kernel's own peak is there all the same."""
    with trio.fail_after(60 * PATIENCE):
        while (result := await bench.run("true")).phases["running"] >= SHORT_S:
            pass  # a busy machine let it last: that is another case

    assert bench.heard.seen == []
    assert (result.max_cpu_percent, result.max_disk_mb) == (None, None)
    assert result.max_memory_mb > 0
    assert result.detail == ""
