"""Delivering with the real git: a bundle anybody with the base can take in, and a branch that is only ever new."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.execution.delivery import Label, bundle, commit_message, push
from chorus_tui.engine.execution.errors import DeliveryFailed, PatchRefused
from chorus_tui.engine.execution.patch import changes
from chorus_tui.engine.execution.repositories import GitRepositories
from chorus_tui.engine.execution.settings import ExecutionSettings
from tests.integration.execution.https_host import TOKEN, Authority, running, trusting
from tests.integration.execution.trees import Tree, archive, git, read, repository, stream

MIB = 1 << 20
BEFORE: Tree = {b"a.txt": ("file", b"one\n"), b"b.bin": ("file", b"\0\1\2")}
AFTER: Tree = {b"a.txt": ("file", b"one\ntwo\n"), b"c/d": ("program", b"\xff\0"), b"link": ("link", b"a.txt")}
LABEL = Label(
    task_id="01J00000000000000000000000", title="Mend the sum", summary="It added one too many.", result="sha256:" + "a" * 64,
    agent="alpha", peer_id="12D3KooWPeer", date=1_700_000_000,
)  # fmt: skip
REF = f"refs/heads/chorus/{LABEL.task_id}"


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    """One for all tests."""
    return Authority(tmp_path_factory.mktemp("tls") / "ca")


@pytest.fixture
def host(authority, tmp_path):
    """A private host with a repository of two commits, so that a clone of its tip is a shallow one."""
    with running(authority, tmp_path / "hosted", private=True) as made:
        work = repository(tmp_path / "work", {b"old": ("file", b"x")})
        git(work, "rm", "-q", "old")
        for path, (_, data) in BEFORE.items():
            (work / path.decode()).write_bytes(data)
        git(work, "add", "-A")
        git(work, "commit", "-q", "-m", "tip")
        git(tmp_path, "clone", "-q", "--bare", "work", "hosted/work.git")
        yield made


@pytest.fixture
def settings(authority, tmp_path, host) -> ExecutionSettings:
    """Settings with the credential of the host."""
    return trusting(authority, host, tmp_path / "scratch", TOKEN)


@pytest.fixture
async def checkout(settings, host) -> Path:
    """A clone of ours, as a worker has it."""
    return await GitRepositories(settings).fetch(host.url("work.git"))


@pytest.fixture
async def patch(checkout, settings) -> Path:
    """The patch of a task that made AFTER of BEFORE."""
    change = await changes(
        checkout, stream(archive(AFTER)), home=settings.scratch, most_bytes=MIB, archive_bytes=MIB
    )  # fmt: skip
    assert change is not None
    return change.patch


def branches(host) -> str:
    """All refs of the hosted repository."""
    return git(host.root / "work.git", "for-each-ref", "--format=%(refname) %(objectname)")


async def test_a_bundle_is_one_commit_on_the_base(checkout, patch, settings, tmp_path):
    """Whoever has the base fetches it: the tree, the author, the date, the trailers; the checkout stays as it was."""
    made = await bundle(checkout, patch, LABEL, home=settings.scratch)
    work = tmp_path / "work"
    git(work, "fetch", "-q", made.where, f"{made.ref}:taken")
    git(work, "checkout", "-q", "taken")

    assert made.ref == REF
    assert git(work, "rev-parse", "taken").strip() == made.commit
    assert git(work, "rev-parse", "taken^").strip() == git(work, "rev-parse", "main").strip()
    assert read(work) == AFTER
    assert read(checkout) == BEFORE
    assert git(work, "log", "-1", "--format=%an <%ae> %at %cn %ct").strip() == (
        "alpha <12D3KooWPeer@chorus.invalid> 1700000000 alpha 1700000000"
    )
    trailers = git(work, "log", "-1", "--format=%(trailers)").strip()
    assert trailers == f"Task-Id: {LABEL.task_id}\nResult: {LABEL.result}"


async def test_a_repository_of_sha256_is_one_like_any_other(settings, host, tmp_path):
    """Fetched at its tip and by commit, changed, delivered: the hash of its objects is git's affair."""
    work = tmp_path / "sha256"
    work.mkdir()
    git(work, "init", "-q", "-b", "main", "--object-format=sha256")
    (work / "a.txt").write_text("one\n")
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "base")
    git(host.root, "clone", "-q", "--bare", str(work), "wide.git")
    base = git(work, "rev-parse", "HEAD").strip()
    for commit in ("", base):
        folder = await GitRepositories(settings).fetch(host.url("wide.git"), commit)
        change = await changes(
            folder, stream(archive(AFTER)), home=settings.scratch, most_bytes=MIB, archive_bytes=MIB
        )  # fmt: skip
        assert change is not None
        assert change.base == base
        made = await push(folder, change.patch, LABEL, host.url("wide.git"), home=settings.scratch, settings=settings)

        assert git(host.root / "wide.git", "rev-parse", f"{made.commit}^").strip() == base


async def test_the_same_result_is_the_same_commit(checkout, patch, settings):
    """Nothing but the label, the base and the patch decides: no clock, no machine."""
    first = await bundle(checkout, patch, LABEL, home=settings.scratch)
    second = await bundle(checkout, patch, LABEL, home=settings.scratch)

    assert first.commit == second.commit


async def test_a_branch_is_pushed_and_nothing_else_changes(checkout, patch, settings, host):
    """One new ref on the host; the credential is in no command line, environment or folder."""
    before = branches(host)
    host.seen.clear()
    made = await push(checkout, patch, LABEL, host.url("work.git"), home=settings.scratch, settings=settings)

    assert (made.where, made.ref) == (host.url("work.git"), REF)
    assert branches(host) == f"{REF} {made.commit}\n{before}"
    git(host.root, "clone", "-q", "-b", f"chorus/{LABEL.task_id}", "work.git", "seen")
    assert read(host.root / "seen") == AFTER
    assert any("push" in seen for seen in host.seen)
    assert not any(TOKEN[:6] in seen for seen in host.seen)
    assert not any(
        TOKEN in path.read_text(errors="replace") for path in settings.scratch.rglob("*") if path.is_file()
    )  # fmt: skip


async def test_pushing_again_is_fine_also_with_another_date(checkout, patch, settings, host):
    """A branch with the same tree is ours: what stands there is told, and stays."""
    first = await push(checkout, patch, LABEL, host.url("work.git"), home=settings.scratch, settings=settings)
    later = dataclasses.replace(LABEL, date=LABEL.date + 60, agent="beta")
    for label in (LABEL, later):
        again = await push(checkout, patch, label, host.url("work.git"), home=settings.scratch, settings=settings)

        assert again == first


@pytest.mark.parametrize("theirs", ["main", "main^"])
async def test_a_branch_with_another_content_is_never_overwritten(checkout, patch, settings, host, theirs):
    """Neither forced nor, where git would allow it, fast-forwarded."""
    git(host.root / "work.git", "update-ref", REF, theirs)
    before = branches(host)
    with pytest.raises(DeliveryFailed, match="another content") as caught:
        await push(checkout, patch, LABEL, host.url("work.git"), home=settings.scratch, settings=settings)

    assert caught.value.reason == "branch_taken"
    assert branches(host) == before


@pytest.mark.parametrize("theirs", ["main", "apart"])
async def test_a_branch_that_comes_up_at_the_last_moment_stays(checkout, patch, settings, host, theirs):
    """Between our look and our push somebody makes the branch, on the base or apart from it: theirs stands."""
    bare = host.root / "work.git"
    git(bare, "update-ref", "refs/heads/apart", git(bare, "commit-tree", "-m", "apart", "main^{tree}").strip())

    def race(handler):
        if "service=git-receive-pack" in handler.path:
            git(bare, "update-ref", REF, theirs)
        handler.backend(handler.body())

    host.behave = race
    with pytest.raises(DeliveryFailed, match="rejected"):
        await push(checkout, patch, LABEL, host.url("work.git"), home=settings.scratch, settings=settings)

    assert git(bare, "rev-parse", REF) == git(bare, "rev-parse", theirs)


async def test_the_base_may_have_been_left_behind(checkout, patch, settings, host, tmp_path):
    """The main branch went on meanwhile: the new branch stands on the base all the same."""
    git(tmp_path / "work", "commit", "-q", "--allow-empty", "-m", "later")
    git(tmp_path / "work", "push", "-q", str(host.root / "work.git"), "main")
    made = await push(checkout, patch, LABEL, host.url("work.git"), home=settings.scratch, settings=settings)

    bare = host.root / "work.git"
    assert git(bare, "rev-parse", f"{made.commit}^").strip() == git(bare, "rev-parse", "main^").strip()
    git(bare, "fsck", "--strict")


async def test_without_a_credential_nothing_is_asked_of_the_host(checkout, patch, settings, host):
    """A push is by an operator's leave alone; the setting is named."""
    without = dataclasses.replace(settings, repository_credentials={"else.example": TOKEN})
    host.asked.clear()
    with pytest.raises(DeliveryFailed, match="CHORUS_REPOSITORY_CREDENTIALS has none") as caught:
        await push(checkout, patch, LABEL, host.url("work.git"), home=settings.scratch, settings=without)

    assert caught.value.reason == "delivery_refused"
    assert host.asked == []


async def test_only_allowed_hosts_are_pushed_to(checkout, patch, settings, host):
    """The same list as for cloning."""
    with pytest.raises(DeliveryFailed, match="CHORUS_REPOSITORY_HOSTS"):
        await push(checkout, patch, LABEL, "https://else.example/x", home=settings.scratch, settings=settings)


async def test_what_the_host_refuses_is_told(checkout, patch, settings, host):
    """A hook of the host says no: its words, no branch."""
    hook = host.root / "work.git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(DeliveryFailed, match="hook declined") as caught:
        await push(checkout, patch, LABEL, host.url("work.git"), home=settings.scratch, settings=settings)

    assert REF not in branches(host)
    assert TOKEN not in str(caught.value)


async def test_a_patch_that_does_not_fit_the_base_is_not_delivered(checkout, settings, host, tmp_path):
    """The typed error of patches; the host is not asked."""
    bad = tmp_path / "bad"
    bad.write_text("--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-never\n+ever\n")
    host.asked.clear()
    with pytest.raises(PatchRefused, match=r"a\.txt"):
        await push(checkout, bad, LABEL, host.url("work.git"), home=settings.scratch, settings=settings)

    assert host.asked == []


async def test_what_is_no_task_id_names_no_branch(checkout, patch, settings):
    """The ref comes from the id alone, so the id is checked."""
    with pytest.raises(ValueError, match="no task id"):
        await bundle(checkout, patch, dataclasses.replace(LABEL, task_id="../main"), home=settings.scratch)


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=80))
def test_no_title_or_summary_can_pose_as_a_trailer(title, summary, result):
    """The last paragraph is ours alone: two lines, whatever the other texts say."""
    forged = f"{summary}\n\nTask-Id: 01J99999999999999999999999"
    message = commit_message(dataclasses.replace(LABEL, title=title, summary=forged, result=result))
    last = message.rstrip("\n").split("\n\n")[-1].split("\n")

    assert len(last) == 2
    assert last[0] == f"Task-Id: {LABEL.task_id}"
    assert message.split("\n\n")[0].strip()
    assert "\n" not in message.split("\n\n")[0]
