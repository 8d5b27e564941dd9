"""Fetching by https from a real git host over TLS: what is had, and what a hostile host cannot do."""

from __future__ import annotations

import base64
import dataclasses
import os
import resource
import stat
import threading
import traceback
from pathlib import Path

import pytest
import trio

from chorus_tui.engine.execution.interface import RepositoryError
from chorus_tui.engine.execution.repositories import GitRepositories
from chorus_tui.engine.execution.settings import ExecutionSettings
from chorus_tui.engine.execution.tree import base_commit
from tests.integration.execution.https_host import TOKEN, USER, Authority, Host, running, trusting
from tests.integration.execution.trees import Tree, git, read, repository, write

BASIC = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
SECRETS = {TOKEN, BASIC}
ADVERTISEMENT = {"Content-Type": "application/x-git-upload-pack-advertisement"}
TREE: Tree = {
    b"a.txt": ("file", b"one\n"),
    b"dos.bat": ("file", b"dir\r\n"),
    b".gitattributes": ("file", b"*.txt eol=crlf ident\n*.bat text\n*.bin filter=lfs\n"),
    b"big.bin": ("file", b"version https://git-lfs.github.com/spec/v1\n"),
    b"run.sh": ("program", b"#!/bin/sh\n"),
    b"outside": ("link", b"/etc/passwd"),
}


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Authority:
    """One for all tests."""
    return Authority(tmp_path_factory.mktemp("tls") / "ca")


@pytest.fixture
def work(tmp_path) -> Path:
    """The repository that is hosted, with a second commit that a clone does not need."""
    folder = repository(tmp_path / "work", {b"old": ("file", b"old\n")})
    git(folder, "rm", "-q", "old")
    git(folder, "-c", "core.autocrlf=false", "commit", "-q", "-m", "emptied", "--allow-empty")
    write(folder, TREE)
    (folder / ".git" / "info" / "attributes").write_text("* -text -eol -ident -filter\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "tip")
    return folder


@pytest.fixture
def host(authority, tmp_path, work):
    """The host, with ``work`` as its repository."""
    with running(authority, tmp_path / "hosted") as made:
        git(tmp_path, "clone", "-q", "--bare", "work", "hosted/work.git")
        yield made


@pytest.fixture
def settings(authority, tmp_path, host) -> ExecutionSettings:
    """Settings that allow the host and trust its authority."""
    return trusting(authority, host, tmp_path / "scratch")


def left(settings: ExecutionSettings) -> list[Path]:
    """What is in the scratch folder."""
    assert settings.scratch is not None
    return list(settings.scratch.iterdir())


async def refused(settings: ExecutionSettings, host: Host, repository: str = "work.git") -> str:
    """The words of the refusal; nothing is left behind by it."""
    with pytest.raises(RepositoryError) as caught:
        await GitRepositories(settings).fetch(host.url(repository))
    assert left(settings) == []
    shown = "".join(traceback.format_exception(caught.value))
    assert not any(secret in shown for secret in SECRETS)
    return str(caught.value)


async def test_the_tip_of_a_public_repository_is_had_byte_by_byte(settings, host, work):
    """One commit deep, no line end turned, no filter run, links as links; the base commit is told."""
    repositories = GitRepositories(settings)
    folder = await repositories.fetch(host.url("work.git"))

    assert read(folder) == TREE
    assert git(folder, "status", "--porcelain") == ""
    assert git(folder, "rev-list", "--count", "HEAD").strip() == "1"
    assert await base_commit(folder) == git(work, "rev-parse", "HEAD").strip()
    assert not (folder / ".git" / "hooks").exists()
    repositories.discard(folder)
    assert left(settings) == []


async def test_a_commit_is_had_when_its_branch_has_gone_on(settings, host, work):
    """Another member checks a result against the same base, whatever was pushed meanwhile; what is no commit is said."""
    base = git(work, "rev-parse", "HEAD").strip()
    git(work, "rm", "-q", "run.sh")
    git(work, "commit", "-q", "-m", "later")
    git(work, "push", "-q", str(host.root / "work.git"), "main")
    repositories = GitRepositories(settings)
    folder = await repositories.fetch(host.url("work.git"), base)

    assert await base_commit(folder) == base
    assert read(folder) == TREE
    repositories.discard(folder)
    for wrong in ("main", "--upload-pack=x", base[:12]):
        with pytest.raises(RepositoryError, match="all its hex digits"):
            await repositories.fetch(host.url("work.git"), wrong)
    with pytest.raises(RepositoryError, match="cannot be had"):
        await repositories.fetch(host.url("work.git"), "1" * 40)
    assert left(settings) == []


async def test_the_memory_of_git_is_bounded_and_its_transports_are(settings, host):
    """Every process that talks to a host has a bound on its address space, and https as its only way."""
    GitRepositories(settings).discard(await GitRepositories(settings).fetch(host.url("work.git")))

    assert host.bounds
    assert all(int(bound) <= 2 << 30 for bound in host.bounds)
    talking = [seen for seen in host.seen if host.name in seen.split("\0PATH=")[0]]
    assert talking
    assert all("GIT_ALLOW_PROTOCOL=https\0" in seen for seen in talking)


async def test_without_its_authority_a_host_is_not_trusted(settings, host):
    """Git's own words say that the certificate is the reason; nothing is asked of the host."""
    said = await refused(dataclasses.replace(settings, repository_ca=""), host)

    assert "certificate" in said
    assert host.asked == []


async def test_another_authority_is_no_help(settings, host, tmp_path):
    """The certificate has to come from the authority that is set."""
    other = Authority(tmp_path / "other")

    assert "certificate" in await refused(dataclasses.replace(settings, repository_ca=other.certificate), host)


async def test_a_private_repository_is_had_with_the_credential_of_its_host(settings, host):
    """Token alone and with a user; the host gets it, and nobody sees it in a command line or an environment."""
    host.private = True
    for credential in (TOKEN, f"{USER}:{TOKEN}"):
        with_it = dataclasses.replace(settings, repository_credentials={host.name: credential, "else.example": "other"})
        repositories = GitRepositories(with_it)
        folder = await repositories.fetch(host.url("work.git"))

        assert read(folder) == TREE
        assert TOKEN not in (folder / ".git" / "config").read_text()
        repositories.discard(folder)
    assert set(host.credentials) == {f"{USER}:{TOKEN}"}
    assert any("git-remote-https" in seen or "remote-https" in seen for seen in host.seen)
    assert not any(secret in seen for seen in host.seen for secret in (TOKEN, BASIC, "s3cr3t"))
    assert left(settings) == []


async def test_the_credential_lies_in_a_private_file_while_git_runs(settings, host):
    """Folder 0700, file 0600, one line for one host; gone afterwards."""
    host.private = True
    found = []

    def look(handler):
        found.extend(
            (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode), file.read_text())
            for file in settings.scratch.rglob("credential")
        )
        handler.answer(500, {}, b"")

    host.behave = look
    both = {host.name: TOKEN, "else.example": "othertoken"}
    await refused(dataclasses.replace(settings, repository_credentials=both), host)

    assert [(file, folder) for file, folder, _ in found] == [(0o600, 0o700)] * len(found)
    assert found
    assert all("othertoken" not in text and text.count("\n") == 1 for _, _, text in found)


async def test_a_private_repository_without_credential_says_what_to_set(settings, host):
    """The setting is named; a wrong credential is said to be refused and is not repeated."""
    host.private = True

    assert "CHORUS_REPOSITORY_CREDENTIALS there is none" in await refused(settings, host)
    wrong = dataclasses.replace(settings, repository_credentials={host.name: "wr0ngt0ken"})
    said = await refused(wrong, host)
    assert "the one there is refused" in said
    assert "wr0ngt0ken" not in said


async def test_a_host_that_repeats_the_credential_does_not_bring_it_into_an_error(settings, host):
    """Whatever form the host echoes it in."""
    seen = []

    def echo(handler):
        given = handler.headers.get("Authorization", "")
        seen.append(given)
        if not given:
            handler.answer(401, {"WWW-Authenticate": 'Basic realm="tests"'}, b"")
            return
        clear = base64.b64decode(given.removeprefix("Basic ")).decode()
        line = f"ERR you said {given} which is {clear}".encode()
        body = b"001e# service=git-upload-pack\n0000%04x" % (len(line) + 4) + line
        handler.answer(200, ADVERTISEMENT, body)

    host.behave = echo
    said = await refused(dataclasses.replace(settings, repository_credentials={host.name: TOKEN}), host)

    assert any(seen)
    assert "you said Basic [credential] which is" in said


@pytest.mark.parametrize("before", range(330, 400, 9))
async def test_a_credential_that_meets_the_cut_of_an_error_is_not_shown_in_part(settings, host, before):
    """First hidden, then shortened."""

    def echo(handler):
        if not handler.headers.get("Authorization"):
            handler.answer(401, {"WWW-Authenticate": 'Basic realm="tests"'}, b"")
            return
        line = b"ERR " + b"x" * (before - 30) + TOKEN.encode()
        handler.answer(200, ADVERTISEMENT, b"001e# service=git-upload-pack\n0000%04x" % (len(line) + 4) + line)

    host.behave = echo
    said = await refused(dataclasses.replace(settings, repository_credentials={host.name: TOKEN}), host)

    assert "xxx" in said
    assert TOKEN[:4] not in said


async def test_a_redirect_is_not_followed(settings, host, authority, tmp_path):
    """Neither to another host, which gets no request, nor with the credential."""
    with running(authority, tmp_path / "other", private=True) as other:

        def redirect(handler):
            handler.answer(302, {"Location": other.url("work.git/info/refs?service=git-upload-pack")}, b"")

        host.behave = redirect
        both = dataclasses.replace(
            settings, repository_hosts=(host.name, other.name),
            repository_credentials={host.name: TOKEN, other.name: TOKEN},
        )  # fmt: skip
        said = await refused(both, host)

        assert other.asked == []
    assert "cannot be had" in said


async def test_alternates_of_a_dumb_host_are_not_followed(settings, host, authority, tmp_path, work):
    """A host that serves plain files cannot send git to another address for the objects."""
    commit = git(work, "rev-parse", "HEAD").strip()
    with running(authority, tmp_path / "other") as other:

        def dumb(handler):
            files = {
                "/work.git/info/refs?service=git-upload-pack": f"{commit}\trefs/heads/main\n",
                "/work.git/HEAD": "ref: refs/heads/main\n",
                "/work.git/objects/info/http-alternates": f"https://{other.name}/work.git/objects\n",
                "/work.git/objects/info/alternates": f"https://{other.name}/work.git/objects\n",
            }
            body = files.get(handler.path, "").encode()
            handler.answer(200 if body else 404, {"Content-Type": "text/plain"}, body)

        host.behave = dumb
        await refused(settings, host)

        assert other.asked == []


@pytest.mark.parametrize(
    "lie",
    [
        b"",
        b"<html>sign in</html>",
        b"001e# service=git-upload-pack\n0000ffff",
        b"001e# service=git-upload-pack\n000000" + b"0" * 40 + b" refs/heads/../../x\n0000",
        b"\0" * 4096,
    ],
)
async def test_a_host_that_lies_is_refused_in_words(settings, host, lie):
    """What is no answer of git's protocol ends in an error, and in nothing else."""
    host.behave = lambda handler: handler.answer(200, ADVERTISEMENT, lie)
    said = await refused(settings, host)

    assert "cannot be had" in said or "no commit" in said


async def test_a_host_that_hangs_costs_a_bounded_time(settings, host):
    """The bound is ``clone_timeout_s``; git and its helpers end with it."""
    entered = threading.Event()

    def hang(_):
        entered.set()
        host.stopped.wait(240)

    host.behave = hang
    said = await refused(dataclasses.replace(settings, clone_timeout_s=8), host)

    assert entered.is_set()
    assert "took longer than 8 s" in said
    with trio.fail_after(20):  # they were killed; on a busy machine it takes a moment until they are gone
        while runs(host):
            await trio.sleep(0.02)


def runs(host) -> bool:
    """Whether some process still talks to the host."""
    host.seen.clear()
    host.look()
    return any(host.name in seen for seen in host.seen)


async def test_messages_without_end_fill_no_memory(settings, host):
    """A host that talks for ever: the last words are kept, the rest is dropped, until the time is over."""
    line = b"\x02" + b"the longer you read the more there is to read " * 20 + b"\n"
    band = (b"%04x" % (len(line) + 4) + line) * 50

    def talk(handler):
        body = handler.body()
        if b"command=fetch" not in body:
            handler.backend(body)
            return
        host.asked.append("fetch")
        handler.flood({"Content-Type": "application/x-git-upload-pack-result"}, band, b"000dpackfile\n")

    host.behave = talk
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    said = await refused(dataclasses.replace(settings, clone_timeout_s=10), host)

    assert host.asked[-1] == "fetch"
    assert "took longer than 10 s" in said
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


async def test_an_advertisement_without_end_is_cut_off(settings, host):
    """Time or memory of git's own process ends it; the engine says so."""
    host.behave = lambda handler: handler.flood(ADVERTISEMENT, os.urandom(1 << 16))

    assert "cannot be had" in await refused(dataclasses.replace(settings, clone_timeout_s=1), host)


async def test_files_are_measured_before_they_are_written(settings, host, work):
    """A small pack that unfolds into more than the bound is refused while it is still a pack."""
    (work / "zeros").write_bytes(bytes(3 << 20))
    git(work, "add", "zeros")
    git(work, "commit", "-q", "-m", "zeros")
    git(work, "push", "-q", str(host.root / "work.git"), "main")

    assert "its files take more than 1 MiB" in await refused(dataclasses.replace(settings, max_repository_mb=1), host)


async def test_a_pack_above_the_bound_is_cut_off(settings, host, work):
    """Not a byte beyond the bound is written to the disk, however fast it comes."""
    (work / "noise").write_bytes(os.urandom(3 << 20))
    git(work, "add", "noise")
    git(work, "commit", "-q", "-m", "noise")
    git(work, "push", "-q", str(host.root / "work.git"), "main")

    assert "larger than 1 MiB" in await refused(dataclasses.replace(settings, max_repository_mb=1), host)


async def test_a_tree_that_unfolds_without_end_is_not_unfolded(settings, host):
    """Ten levels of ten equal folders are ten thousand million files in a kilobyte; they are never written out."""
    bare = host.root / "work.git"
    blob = git(bare, "hash-object", "-w", "--stdin", stdin=b"x").strip()
    lines = "".join(f"100644 blob {blob}\tf{n}\n" for n in range(10))
    for _ in range(9):
        tree = git(bare, "mktree", stdin=lines.encode()).strip()
        lines = "".join(f"040000 tree {tree}\td{n}\n" for n in range(10))
    commit = git(bare, "commit-tree", git(bare, "mktree", stdin=lines.encode()).strip(), "-m", "bomb").strip()
    git(bare, "update-ref", "refs/heads/main", commit)

    assert "more files than can be counted" in await refused(settings, host)


async def test_submodules_stay_where_they_are(settings, host, work, authority, tmp_path):
    """A repository that names another as its part: the folder is empty, nobody is asked."""
    with running(authority, tmp_path / "other") as other:
        commit = git(work, "rev-parse", "HEAD").strip()
        (work / ".gitmodules").write_text(f'[submodule "part"]\n\tpath = part\n\turl = {other.url("work.git")}\n')
        git(work, "add", ".gitmodules")
        git(work, "update-index", "--add", "--cacheinfo", f"160000,{commit},part")
        git(work, "commit", "-q", "-m", "part")
        git(work, "push", "-q", str(host.root / "work.git"), "main")
        folder = await GitRepositories(settings).fetch(host.url("work.git"))

        assert list((folder / "part").iterdir()) == []
        assert other.asked == []


async def test_an_empty_repository_is_said_to_be_empty(settings, host):
    """There is nothing to work on."""
    git(host.root, "init", "-q", "--bare", "empty.git")

    assert "no commit" in await refused(settings, host, "empty.git")
