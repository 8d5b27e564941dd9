"""Repositories with the real git: what may be had, and what a hostile one cannot do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chorus_tui.engine.execution.git import GitFailed
from chorus_tui.engine.execution.git import git as guarded_git
from chorus_tui.engine.execution.interface import RepositoryError
from chorus_tui.engine.execution.repositories import GitRepositories
from chorus_tui.engine.execution.settings import ExecutionSettings
from tests.integration.execution.trees import git


@pytest.fixture
def work(tmp_path) -> Path:
    """A repository with one commit and a change that is not committed."""
    folder = tmp_path / "work"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "a.txt").write_text("committed\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    (folder / "a.txt").write_text("changed\n")
    return folder


@pytest.fixture
def scratch(tmp_path) -> Path:
    """Where the private folders are made."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def repositories(scratch) -> GitRepositories:
    """What is tested."""
    return GitRepositories(
        ExecutionSettings(owner="me", scratch=scratch, repository_hosts=("code.example", "127.0.0.1:1"))
    )


async def test_a_bundle_brings_what_is_committed_and_names_no_place_of_this_machine(repositories, work, scratch):
    """From work tree to bundle to folder: the committed content, its branch, no remote; all of it can be discarded."""
    bundle = await repositories.bundle(str(work))
    folder = await repositories.unbundle(bundle)

    assert (folder / "a.txt").read_text() == "committed\n"
    assert git(folder, "symbolic-ref", "HEAD").strip() == "refs/heads/main"
    assert str(scratch) not in (folder / ".git" / "config").read_text()
    repositories.discard(bundle)
    repositories.discard(folder)
    assert list(scratch.iterdir()) == []


async def test_a_detached_head_can_be_bundled(repositories, work):
    """Without a branch, HEAD alone travels."""
    git(work, "checkout", "-q", "--detach")
    folder = await repositories.unbundle(await repositories.bundle(str(work)))

    assert (folder / "a.txt").read_text() == "committed\n"


async def test_a_subfolder_stands_for_its_repository(repositories, work):
    """A path within a work tree is its repository."""
    (work / "sub").mkdir()
    folder = await repositories.unbundle(await repositories.bundle(str(work / "sub")))

    assert (folder / "a.txt").exists()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: None, "no such folder"),
        (lambda folder: folder.mkdir(), "is no git repository"),
        (lambda folder: (folder.mkdir(), git(folder, "init", "-q")), "no commit yet"),
    ],
)
async def test_a_path_that_is_no_repository_is_named_with_the_way_out(repositories, tmp_path, scratch, make, words):
    """The message names the path; nothing is left in the scratch folder."""
    folder = tmp_path / "it"
    make(folder)

    with pytest.raises(RepositoryError, match=words) as caught:
        await repositories.bundle(str(folder))

    assert str(folder) in str(caught.value)
    assert list(scratch.iterdir()) == []


async def test_a_relative_path_is_refused(repositories):
    """The engine's working directory means nothing to a person."""
    with pytest.raises(RepositoryError, match="absolute"):
        await repositories.bundle("some/where")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://code.example/x", "only https"),
        ("file:///etc", "only https"),
        ("ssh://code.example/x", "only https"),
        ("ext::sh -c touch% /tmp/x", "only https"),
        ("--upload-pack=touch x", "only https"),
        ("https://user:word@code.example/x", "leave user and password out"),
        ("https://elsewhere.example/x", "CHORUS_REPOSITORY_HOSTS"),
        ("https://code.example.evil.example/x", "CHORUS_REPOSITORY_HOSTS"),
        ("https://code.example:8443/x", "CHORUS_REPOSITORY_HOSTS"),
        ("https://127.0.0.1/x", "CHORUS_REPOSITORY_HOSTS"),
        ("https://code.example/", "clone URL alone"),
        ("https://code.example/x?y", "clone URL alone"),
        ("https://code.example:port/x", "no URL"),
    ],
)
async def test_only_https_to_listed_hosts_is_tried(repositories, scratch, url, words):
    """Everything else is refused before git runs; a password is never repeated."""
    with pytest.raises(RepositoryError, match=words) as caught:
        await repositories.fetch(url)

    assert "word@" not in str(caught.value)
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("address", ["file://{}", "ext::touch {}/trap", "ssh://127.0.0.1:1{}", "git://127.0.0.1:1{}"])
async def test_git_itself_refuses_every_other_transport(work, tmp_path, address):
    """Where a repository or a host would bring git to another address, it has no transport for it."""
    with pytest.raises(GitFailed, match=r"transport '.+' not allowed"):
        await guarded_git(["ls-remote", "--", address.format(work)], home=tmp_path, protocols="https")

    assert not (work / "trap").exists()


async def test_a_host_that_does_not_answer_is_said(repositories, scratch):
    """The reason is git's own."""
    with pytest.raises(RepositoryError, match=r"127\.0\.0\.1:1/x cannot be had: .+"):
        await repositories.fetch("https://127.0.0.1:1/x")

    assert list(scratch.iterdir()) == []


async def test_nothing_of_a_hostile_repository_runs_on_this_machine(repositories, work, tmp_path, monkeypatch):
    """Hooks, file system monitor and filters of the repository, and the user's own configuration, stay silent."""
    trap = tmp_path / "trap"
    script = tmp_path / "trap.sh"
    script.write_text(f"#!/bin/sh\ntouch {trap}\ncat\n")
    script.chmod(0o755)
    for hook in ("post-checkout", "pre-auto-gc", "reference-transaction"):
        (work / ".git" / "hooks").mkdir(exist_ok=True)
        (work / ".git" / "hooks" / hook).symlink_to(script)
    (work / ".gitattributes").write_text("* filter=evil\n")
    git(work, "add", ".gitattributes")
    git(work, "commit", "-q", "-m", "second")
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f'[filter "evil"]\n\tsmudge = {script}\n[core]\n\tfsmonitor = {script}\n')
    monkeypatch.setenv("HOME", str(home))
    git(work, "config", "core.fsmonitor", str(script))
    git(work, "config", "core.pager", str(script))

    trap.unlink(missing_ok=True)
    await repositories.unbundle(await repositories.bundle(str(work)))

    assert not trap.exists()


async def test_size_is_bounded_and_noise_is_no_bundle(work, scratch, tmp_path):
    """A bundle above the bound, and bytes that are none, are refused in words."""
    (work / "big").write_bytes(os.urandom(3 << 20))
    git(work, "add", ".")
    git(work, "commit", "-q", "-m", "big")
    small = GitRepositories(ExecutionSettings(owner="me", scratch=scratch, max_repository_mb=1))
    noise = tmp_path / "noise"
    noise.write_bytes(b"# v2 git bundle\nnoise")

    with pytest.raises(RepositoryError, match="larger than 1 MiB"):
        await small.bundle(str(work))
    with pytest.raises(RepositoryError, match="no commit that can be checked out"):
        await small.unbundle(noise)
    assert list(scratch.iterdir()) == []
