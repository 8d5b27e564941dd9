"""Who is followed into a mesh that says it was founded in place of ours."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.control.interface import Authority, Member
from chorus_tui.engine.control.succession import LONG_S, TIMEOUTS, follows

TIMEOUT_S = 15.0
SILENT = st.floats(0.0, 2 * LONG_S)
AUTHORITIES = st.sampled_from(["read_only", "suggestion", "coordination", "decision", "master"])


def founder(authority: Authority, *, clash: bool = False) -> Member:
    """As our own log knows it."""
    return Member("peer", "name", "agent", "", (), authority, 1, clash=clash)


@given(AUTHORITIES, SILENT, st.booleans(), st.booleans())
def test_who_may_not_work_here_is_never_followed(authority, silent_s, here, clash):
    """No stranger, nobody under another's name, and nobody whom the log does not let work, however long no admin was heard."""
    for one in (None, founder("read_only"), founder("suggestion"), founder(authority, clash=True)):
        assert not follows(one, silent_s=silent_s, timeout_s=TIMEOUT_S, majority_here=here)


@given(AUTHORITIES, SILENT, st.booleans())
def test_only_a_master_is_followed_at_once(authority, silent_s, here):
    """Anybody else when, for several time-outs, nobody led and no majority was in reach; or after a very long time."""
    followed = follows(founder(authority), silent_s=silent_s, timeout_s=TIMEOUT_S, majority_here=here)
    lost = silent_s >= LONG_S or (not here and silent_s >= TIMEOUTS * TIMEOUT_S)
    assert followed == (authority == "master" or (authority in ("coordination", "decision") and lost))
