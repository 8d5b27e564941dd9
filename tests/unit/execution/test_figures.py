"""What a sandbox uses, read out of statistics and tables that may be anything."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.models.task_result import Figures
from chorus_tui.engine.execution.figures import cpu_percent, disk_mb, highest, memory_mb, mib_of


def sample(used: int, system: int, cores: int = 2, **memory: int) -> dict:
    """One of the engine's samples, the one before it at zero used and 10⁹ passed."""
    return {
        "cpu_stats": {"cpu_usage": {"total_usage": used}, "system_cpu_usage": system, "online_cpus": cores},
        "precpu_stats": {"cpu_usage": {"total_usage": 0}, "system_cpu_usage": 10**9},
        "memory_stats": {"usage": memory.get("usage", 0), "stats": {"inactive_file": memory.get("idle", 0)}},
    }


def test_a_core_in_full_is_a_hundred_percent():
    """On two cores the system's clock runs twice: one second of ours in one second is one core."""
    assert cpu_percent(sample(10**9, 3 * 10**9)) == 100
    assert cpu_percent(sample(3 * 10**8, 3 * 10**9)) == 30


def test_the_first_sample_says_nothing_of_the_cpu():
    """There is none before it."""
    assert cpu_percent({"cpu_stats": {}, "precpu_stats": {}}) is None
    assert cpu_percent({}) is None


def test_memory_leaves_out_what_the_kernel_may_take_back():
    """Files in memory count, idle caches do not."""
    assert memory_mb(sample(0, 0, usage=30 << 20, idle=10 << 20)) == 20
    assert memory_mb({}) == 0


def test_folders_are_summed_from_the_table():
    """The heading and lines that are no table count nothing."""
    table = (
        "Filesystem 1024-blocks Used Available Capacity Mounted on\n"
        "tmpfs          524288  2048    522240       1% /workspace/data\n"
        "tmpfs 524288 1024 523264 1% /tmp\nno such thing\n"
    )
    assert disk_mb(table) == 3
    assert disk_mb("") == 0


def test_a_count_of_bytes_is_digits_and_nothing_else():
    """What the control group says; an odd answer is no number."""
    assert mib_of(b"1048576") == 1
    assert [mib_of(odd) for odd in (b"", b"max", b"-1", b"1 ", b"9" * 19)] == [None] * 5


json = st.recursive(
    st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.dictionaries(
        st.sampled_from(
            ["cpu_stats", "precpu_stats", "cpu_usage", "total_usage", "system_cpu_usage", "memory_stats", "usage"]
        ),
        inner,
    ),
)


@given(
    st.dictionaries(
        st.sampled_from(["cpu_stats", "precpu_stats", "memory_stats"]), st.dictionaries(st.text(max_size=9), json)
    )
)
def test_noise_gives_no_error(said):
    """Whatever an engine sends: a number or nothing."""
    assert memory_mb(said) >= 0
    assert cpu_percent(said) is None or cpu_percent(said) >= 0


@given(st.lists(st.tuples(*[st.floats(0, 1e6)] * 3), min_size=1))
def test_the_highest_is_the_highest_of_each(rows):
    """Not of one moment: the most of everything there was."""
    top = None
    for cpu, memory, disk in rows:
        top = highest(top, Figures(cpu_percent=cpu, memory_mb=memory, disk_mb=disk))
    assert top is not None
    assert (top.cpu_percent, top.memory_mb, top.disk_mb) == tuple(max(column) for column in zip(*rows, strict=True))
