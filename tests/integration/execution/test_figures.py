"""What a running sandbox uses is told while it runs, and the most of it in the result."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.docker


async def test_cpu_memory_and_folders_are_told_while_it_runs(bench):
    """A loop under a limit, 20 MiB held, 30 MiB written: each shows up about as large as it is, and as peak at the end."""
    busy = (
        "import time\nheld = bytearray(20 << 20)\nopen('/tmp/big', 'wb').write(bytes(30 << 20))\n"
        "end = time.monotonic() + 4\nwhile time.monotonic() < end: pass"
    )
    result = await bench.run(f'python3 -c "{busy}"', language="python", limits={"cpus": 0.5})
    seen = bench.heard.seen

    assert result.outcome == "completed", result.output_tail
    assert len(seen) >= 2
    assert 20 < max(cpu for cpu, _, _ in seen) < 90
    assert 45 < max(memory for _, memory, _ in seen) < 200
    assert 29 < max(disk for _, _, disk in seen) < 40
    assert result.max_cpu_percent == max(cpu for cpu, _, _ in seen)
    assert result.max_disk_mb == max(disk for _, _, disk in seen)
    assert result.max_memory_mb >= 49


async def test_a_short_task_has_its_peak_of_memory_and_no_figures(bench):
    """It is over before a second sample: nothing is invented, and the kernel's own peak is there all the same."""
    result = await bench.run("true")

    assert bench.heard.seen == []
    assert (result.max_cpu_percent, result.max_disk_mb) == (None, None)
    assert result.max_memory_mb > 0
    assert result.detail == ""
