"""Patches with the real git: what a task changed comes out exactly, and nothing else does."""

from __future__ import annotations

import os
import resource
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chorus_tui.engine.execution import patch_import
from chorus_tui.engine.execution.errors import PatchRefused
from chorus_tui.engine.execution.patch import Changes, applied, changes
from tests.integration.execution.trees import Tree, archive, edits, git, member, read, repository, stream

MIB = 1 << 20
FAR = "x" * 180
BASE: Tree = {
    b"a.txt": ("file", b"one\ntwo\nthree\n"),
    b"run.sh": ("program", b"#!/bin/sh\n"),
    b"src/lib.py": ("file", b"x = 1\n"),
    b"link": ("link", b"a.txt"),
    b".gitignore": ("file", b"*.o\n/build/\n"),
}


async def made(checkout: Path, data: bytes, home: Path, **bounds) -> Changes | None:
    """The changes in an archive."""
    await trio.Path(home).mkdir(exist_ok=True)
    return await changes(
        checkout, stream(data), home=home, **{"most_bytes": 8 * MIB, "archive_bytes": 64 * MIB, **bounds}
    )


@pytest.fixture
def base(tmp_path) -> Path:
    """A checkout of ours, as a task was given a copy of it."""
    return repository(tmp_path / "base", BASE)


@pytest.fixture
def home(tmp_path) -> Path:
    """Where private folders are made."""
    return tmp_path / "home"


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(trees=edits(), fmt=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
async def test_the_patch_on_a_fresh_clone_gives_exactly_the_edited_tree(trees, fmt):
    """Modes, links, bytes, line ends, odd names, empty files: git apply makes of the base what the task had."""
    before, after = trees
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checkout = repository(folder / "base", before)
        change = await made(checkout, archive(after, fmt), folder / "home")
        git(folder, "clone", "-q", "base", "fresh")
        if change is not None:
            assert change.left_out == ""
            assert change.size == change.patch.stat().st_size
            git(folder / "fresh", "apply", "--index", "--whitespace=nowarn", str(change.patch))
            await applied(checkout, change.patch)

        assert read(folder / "fresh") == after
        assert read(checkout) == after
        assert (change is None) == (before == after)
        assert [entry.name for entry in (folder / "home").iterdir() if not entry.name.startswith("patch-")] == []


async def test_a_link_to_itself_that_became_a_folder_is_refused_in_words(tmp_path, home):
    """Git looks below the link and finds no end: its patch is refused by us as by git, and leaves the checkout as it was."""
    before: Tree = {b"a": ("link", b"a"), b"b": ("file", b"1\n")}
    checkout = repository(tmp_path / "base", before)
    change = await made(checkout, archive({b"a/a": ("file", b"x\n"), b"b": ("file", b"2\n")}), home)

    assert change is not None
    with pytest.raises(PatchRefused, match="a/a"):
        await applied(checkout, change.patch)
    assert read(checkout) == before


async def test_what_is_told_of_a_change(base, home):
    """Base commit, numbers, names; the checkout itself stays as it was."""
    after = {**BASE, b"a.txt": ("file", b"one\n2\nthree\nfour\n"), b"new\x1b[2J": ("file", b"x\n")}
    change = await made(base, archive(after), home)

    assert change is not None
    assert change.base == git(base, "rev-parse", "HEAD").strip()
    assert (change.files, change.insertions, change.deletions) == (2, 3, 1)
    assert change.names == ("a.txt", "new")
    assert read(base) == BASE
    assert git(base, "status", "--porcelain") == ""


async def test_nothing_changed_is_no_patch(base, home):
    """None, and nothing is left behind."""
    assert await made(base, archive(BASE), home) is None
    assert list(home.iterdir()) == []


async def test_new_files_the_repository_ignores_stay_out_and_tracked_ones_do_not(tmp_path, home):
    """The base's .gitignore decides about new files only, whatever the task wrote into it; how many is said."""
    tree = {**BASE, b"kept.o": ("file", b"tracked\n")}
    checkout = repository(tmp_path / "base", tree)
    after = {
        **tree,
        b"kept.o": ("file", b"changed\n"),
        b"new.o": ("file", b"x"),
        b"build/deep/out": ("file", b"x"),
        b"src/build": ("file", b"x"),
        b".gitignore": ("file", b"src\n"),
    }
    change = await made(checkout, archive(after), home)

    assert change is not None
    assert sorted(change.names) == [".gitignore", "kept.o", "src/build"]
    assert change.left_out == "2 left out: new and ignored by .gitignore"


async def test_files_where_the_base_has_a_link_are_taken(base, home):
    """A link that became a folder: git is not asked about paths beyond the link, and follows it nowhere."""
    after = {path: node for path, node in BASE.items() if path != b"link"} | {b"link/x.txt": ("file", b"x")}
    change = await made(base, archive(after), home)

    assert change is not None
    assert change.names == ("link", "link/x.txt")


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (member(b"./sub/.git/config", size=1), "git's own folder"),
        (member(b"./.GIT/hooks/post-checkout", size=1), "git's own folder"),
        (member(b".git /config", size=1), "git's own folder"),
        (member(b".g\xe2\x80\x8cit/config", size=1), "git's own folder"),
        (member(b"git~1/config", size=1), "git's own folder"),
        (member(b".git::$INDEX_ALLOCATION/config", size=1), "git's own folder"),
        (member(b"a\\.git\\config", size=1), "git's own folder"),
        (member(b"../outside", size=1), "'..'"),
        (member(b"/etc/passwd", size=1), "absolute"),
        (member(b"n" * 300, size=1), "too long"),
        (member(b"a.txt", size=1), "second file of the same name"),
        (member(b"src", size=1), "second file of the same name"),
        (member(b"a.txt/below", size=1), "below another file"),
        (member(b"link/through", size=1), "below another file"),
        (member(b"null", tarfile.CHRTYPE), "device or pipe"),
        (member(b"pipe", tarfile.FIFOTYPE), "device or pipe"),
        (member(b"hard", tarfile.LNKTYPE, target=b"/etc/shadow"), "absolute"),
        (member(b"hard", tarfile.LNKTYPE, target=b"not/here"), "hard link to something"),
        (member(b".gitmodules", tarfile.SYMTYPE, target=b"a.txt"), "in place of .gitmodules"),
        (member(b"empty", tarfile.SYMTYPE), "link to nothing"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)  # fmt: skip
async def test_each_trick_is_left_out_and_said(base, home, extra, words):
    """The rest of the change is had, and the patch applies."""
    after = {**BASE, b"a.txt": ("file", b"good\n")}
    change = await made(base, archive(after, extra=[extra]), home)

    assert change is not None
    assert change.names == ("a.txt",)
    assert words in change.left_out
    await applied(base, change.patch)
    assert read(base) == after


async def test_a_hard_link_is_a_copy(base, home):
    """A second name of a file becomes a file of the same content and mode."""
    extra = [member(b"./again", tarfile.LNKTYPE, target=b"./run.sh")]
    change = await made(base, archive(BASE, extra=extra), home)

    assert change is not None
    assert change.left_out == ""
    await applied(base, change.patch)
    assert read(base) == {**BASE, b"again": BASE[b"run.sh"]}


async def test_a_refused_member_is_no_deletion(base, home):
    """Where a device stands in place of a file, the file stays as the base has it."""
    after = {path: node for path, node in BASE.items() if path not in {b"a.txt", b"run.sh"}}
    change = await made(base, archive(after, extra=[member(b"./a.txt", tarfile.FIFOTYPE)]), home)

    assert change is not None
    assert change.names == ("run.sh",)


async def test_submodules_of_the_base_stay_untouched(base, home):
    """Their entry is in every tree; files the task put there are left out and counted."""
    commit = git(base, "rev-parse", "HEAD").strip()
    git(base, "update-index", "--add", "--cacheinfo", f"160000,{commit},vendored/lib")
    git(base, "commit", "-q", "-m", "submodule")
    after = {**BASE, b"vendored/lib/x": ("file", b"x"), b"a.txt": ("file", b"changed\n")}
    change = await made(base, archive(after, extra=[member(b"./vendored/lib", tarfile.DIRTYPE)]), home)

    assert change is not None
    assert change.names == ("a.txt",)
    assert change.left_out == "1 left out: inside of a submodule"


@pytest.mark.parametrize("cut", [512, 1500, 4000])
async def test_an_archive_that_ends_early_is_no_deletion_of_the_rest(base, home, cut):
    """No patch at all, with a reason."""
    with pytest.raises(PatchRefused, match="came incomplete") as caught:
        await made(base, archive(BASE)[:cut], home)

    assert caught.value.reason == "patch_unreadable"
    assert list(home.iterdir()) == []


async def test_noise_is_refused(base, home):
    """What is no archive is said to be none."""
    with pytest.raises(PatchRefused, match="cannot be read: a number is not octal"):
        await made(base, b"x" * 5000, home)


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ({"most_bytes": 2 * MIB}, "larger than"),
        ({"archive_bytes": 2 * MIB}, "takes more than 2 MiB"),
    ],
)
async def test_a_huge_change_is_refused_in_words(base, home, bounds, words):
    """The reason is ``patch_too_large``; nothing is left behind."""
    after = {**BASE, b"big": ("file", os.urandom(3 * MIB))}
    with pytest.raises(PatchRefused, match=words) as caught:
        await made(base, archive(after), home, **bounds)

    assert caught.value.reason == "patch_too_large"
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("short", [1, MIB])
async def test_a_patch_is_never_cut_off_in_silence(tmp_path, home, short):
    """A disk that is full before the patch is written, be it by its last byte: an error, and no patch."""
    checkout = repository(tmp_path / "base", {**BASE, b"big": ("file", os.urandom(3 * MIB))})
    whole = await made(checkout, archive(BASE), tmp_path / "roomy")
    assert whole is not None
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Python ignores the signal of this bound, so that a write beyond it fails as one on a full disk does.
    resource.setrlimit(resource.RLIMIT_FSIZE, (whole.size - short, before[1]))
    try:
        with pytest.raises(PatchRefused, match="cannot be written: File too large"):
            await made(checkout, archive(BASE), home)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(home.iterdir()) == []


async def test_too_many_members_are_refused(base, home, monkeypatch):
    """Counted before anything is kept of them."""
    monkeypatch.setattr(patch_import, "MOST_MEMBERS", 20)
    with pytest.raises(PatchRefused, match="more than 20 files") as caught:
        await made(base, archive({b"%d" % n: ("file", b"") for n in range(30)}), home)

    assert caught.value.reason == "patch_too_large"


async def test_names_are_bounded_in_sum(base, home, monkeypatch):
    """Few files with deep paths cost as much as many: what is remembered of them is counted in bytes, folders too."""
    monkeypatch.setattr(patch_import, "_NAMES_BYTES", 4096)
    with pytest.raises(PatchRefused, match="names in the task's folder") as caught:
        await made(base, archive({b"%d/" % n * 40 + b"f": ("file", b"") for n in range(3)}), home)

    assert caught.value.reason == "patch_too_large"


async def test_what_the_archive_raises_comes_through(base, home):
    """A sandbox that is lost in the middle is the caller's error, not a patch."""

    async def broken():
        yield archive(BASE)[:1024]
        raise ConnectionError("the sandbox is gone")

    with pytest.raises(ConnectionError, match="sandbox is gone"):
        await changes(base, broken(), home=base.parent, most_bytes=MIB, archive_bytes=MIB)


async def test_a_folder_that_is_no_repository_is_not_taken_for_part_of_one(base, home):
    """Git would find the repository above it."""
    (base / "src" / "inner").mkdir()
    with pytest.raises(PatchRefused, match="not a git repository"):
        await made(base / "src" / "inner", archive(BASE), home)


async def test_a_patch_that_does_not_fit_says_where(base, tmp_path):
    """All of it or nothing; the message names the file."""
    patch = tmp_path / "p"
    patch.write_text(
        "--- a/run.sh\n+++ b/run.sh\n@@ -1 +1 @@\n-#!/bin/sh\n+#!/bin/bash\n"
        "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-never\n+ever\n"
    )
    with pytest.raises(PatchRefused, match=r"does not apply: .*a\.txt:1") as caught:
        await applied(base, patch)

    assert caught.value.reason == "patch_does_not_apply"
    assert read(base) == BASE


async def test_a_patch_that_unfolds_is_cut_off(base, tmp_path):
    """A few kilobytes that make a file larger than the bound: refused, and no such file."""
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "-q", "base", "copy")
    (copy / "zeros").write_bytes(bytes(4 * MIB))
    git(copy, "add", "zeros")
    patch = tmp_path / "p"
    patch.write_text(git(copy, "diff", "--cached", "--binary"))

    assert patch.stat().st_size < MIB // 8
    with pytest.raises(PatchRefused, match="larger than 2 MiB") as caught:
        await applied(base, patch, limit_mb=2)

    assert caught.value.reason == "patch_too_large"
    assert not (base / "zeros").exists() or (base / "zeros").stat().st_size <= 2 * MIB


def _new(name: str, mode: str = "100644", line: str = "evil") -> str:
    return f"diff --git a/{name} b/{name}\nnew file mode {mode}\n--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+{line}\n"


@pytest.mark.parametrize(
    "patch",
    [
        _new("../outside"),
        _new(".git/hooks/post-checkout"),
        _new(".GIT/config"),
        _new("way", "120000", "..") + _new("way/outside"),
        _new("way", "120000", "..").replace("+..\n", "+..\n\\ No newline at end of file\n") + _new("way/outside"),
        "",
    ],
)
async def test_a_hostile_patch_writes_nothing_outside(base, tmp_path, patch):
    """Names above the folder, git's own folder, a way through a link the patch brings itself: refused, nothing done."""
    file = tmp_path / "p"
    file.write_text(patch)
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(PatchRefused):
        await applied(base, file)

    assert sorted(path for path in tmp_path.rglob("*") if path.name != "index.lock") == before
    assert read(base) == BASE


@pytest.mark.parametrize("box", ["", "chorus-base"])
def test_tar_itself_is_read(base, home, tmp_path, images, box):
    """A folder packed by GNU tar, and by the one of a sandbox: links, hard links, modes, long names."""
    deep = "d/" * 70
    script = (
        f"tar -xf - -C /tmp && cd /tmp/copy && rm a.txt && ln run.sh again.sh && ln -s {FAR} far && mkdir -p empty {deep} "
        f"&& echo x > {deep}f && exec tar -cf - -C /tmp/copy ."
    )
    git(tmp_path, "clone", "-q", "base", "copy")
    copy = subprocess.run(["tar", "-cf", "-", "-C", str(tmp_path), "copy"], check=True, capture_output=True).stdout
    shell = ["sh", "-c", script.replace("/tmp", str(tmp_path / "there"))]
    (tmp_path / "there").mkdir()
    if box:
        shell = ["docker", "run", "--rm", "-i", "--network=none", "--tmpfs=/tmp", box, "sh", "-c", script]
    packed = subprocess.run(shell, input=copy, check=True, capture_output=True).stdout
    change = trio.run(made, base, packed, home)

    assert change is not None
    assert change.left_out == ""
    assert sorted(change.names) == ["a.txt", "again.sh", deep + "f", "far"]
    trio.run(applied, base, change.patch)
    assert read(base)[b"again.sh"] == BASE[b"run.sh"]
    assert read(base)[b"far"] == ("link", FAR.encode())
