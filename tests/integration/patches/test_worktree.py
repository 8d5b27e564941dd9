"""Making and applying patches in real work trees: nothing runs, nothing is written that was not asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chorus_tui.client import applying, local_files, worktree
from chorus_tui.client.git_run import GitError, Repository
from chorus_tui.client.local_files import Reach
from chorus_tui.contract.diff import BadDiff, parse
from chorus_tui.contract.models.status import Hello
from chorus_tui.screens.patch_draft import PatchDraft
from tests.integration.patches.trees import OLD, clone, everything, git, tree
from tests.unit.contract.test_diff import HOSTILE

NEW = OLD.replace("line 10\n", "zeile 10\n").replace("line 28\n", "zeile 28\n")


@pytest.fixture
def person(monkeypatch, tmp_path):
    """Who the person is to git; nothing of the machine's own configuration."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n\tname = Ana Person\n\temail = ana@example.org\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "EMAIL", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_chosen_files_become_a_diff(tmp_path):
    """Changed, new and deleted ones, with blanks and umlauts; of the others nothing; the repository is left as it was."""
    folder = tree(tmp_path / "r", {"calc.txt": OLD, "gone.txt": "x\n", "other.txt": "o\n"})
    (folder / "calc.txt").write_text(NEW)
    (folder / "gone.txt").unlink()
    (folder / "other.txt").write_text("changed too\n")
    (folder / "neu er ü.txt").write_text("n\n")
    before = everything(folder)
    repository = Repository.at(folder)
    differ = {one.path: one.how for one in worktree.changed(repository)}
    paths = worktree.inside(repository, [folder / name for name in ("calc.txt", "gone.txt", "neu er ü.txt")])
    files = parse(worktree.diff(repository, paths))

    assert differ == {"calc.txt": "changed", "gone.txt": "deleted", "other.txt": "changed", "neu er ü.txt": "untracked"}
    assert {(file.path, file.kind) for file in files} == {
        ("calc.txt", "changed"), ("gone.txt", "deleted"), ("neu er ü.txt", "added"),
    }  # fmt: skip
    assert everything(folder) == before
    assert repository.head == git(folder, "rev-parse", "HEAD").strip()
    assert git(folder, "status", "--porcelain").count("\n") == 4


def test_what_is_staged_is_taken_too_and_stays_staged(tmp_path):
    """A diff against HEAD does not ask what stands in the index."""
    folder = tree(tmp_path / "r")
    (folder / "calc.txt").write_text(NEW)
    git(folder, "add", "calc.txt")
    data = worktree.diff(Repository.at(folder), ["calc.txt"])

    assert [file.path for file in parse(data)] == ["calc.txt"]
    assert git(folder, "diff", "--cached", "--name-only") == "calc.txt\n"


def test_what_is_wrong_is_said(tmp_path):
    """No repository, no commit, a file outside of it, one that is not there, an ignored one."""
    folder = tree(tmp_path / "r", {".gitignore": "secret\n"})
    (folder / "secret").write_text("x")
    repository = Repository.at(folder)
    with pytest.raises(GitError, match="no git repository"):
        Repository.at(tmp_path)
    with pytest.raises(GitError, match="is not in"):
        worktree.inside(repository, [tmp_path / "elsewhere"])
    for name in ("nowhere", "secret"):
        with pytest.raises(GitError, match=r"did not match|ignored"):
            worktree.diff(repository, [name])
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q")
    with pytest.raises(GitError, match="no commit yet"):
        worktree.diff(Repository.at(empty), ["x"])


def test_repositories_of_a_folder(tmp_path):
    """The one that it lies in, else those in it."""
    one, two = tree(tmp_path / "all/one"), tree(tmp_path / "all/two")

    assert [found.top.name for found in worktree.repositories(tmp_path / "all")] == ["one", "two"]
    assert [found.top for found in worktree.repositories(one / "docs")] == [one]
    assert Repository.at(clone(two, tmp_path / "copy")).name == "two"


def difference(folder: Path) -> bytes:
    (folder / "calc.txt").write_text(NEW)
    (folder / "neu.txt").write_text("n\n")
    return worktree.diff(Repository.at(folder), ["calc.txt", "neu.txt"])


def test_it_is_applied_to_another_work_tree(tmp_path, person):
    """Where lines moved too; nothing is staged or committed, and the commit that it stands on is told."""
    folder = tree(tmp_path / "r")
    other = clone(folder, tmp_path / "other")
    data = difference(folder)
    (other / "calc.txt").write_text("a line before all\n" + OLD)
    repository = Repository.at(other)
    wrong = applying.misfits(repository, data)
    onto = applying.apply(repository, data)

    assert wrong == []
    assert (other / "calc.txt").read_text() == "a line before all\n" + NEW
    assert (other / "neu.txt").read_text() == "n\n"
    assert onto == git(other, "rev-parse", "HEAD").strip()
    assert git(other, "diff", "--cached", "--name-only") == ""


def test_where_it_does_not_apply_is_said_and_nothing_is_changed(tmp_path):
    """File and line, what was expected and what is there; every file that does not fit is named."""
    folder = tree(tmp_path / "r")
    other = clone(folder, tmp_path / "other")
    data = difference(folder)
    (other / "calc.txt").write_text("one before\n" + OLD.replace("line 28\n", "LINE 28\n"))
    (other / "neu.txt").write_text("mine\n")
    before = everything(other)
    repository = Repository.at(other)
    wrong = {one.file: one for one in applying.misfits(repository, data)}

    assert (wrong["calc.txt"].line, wrong["calc.txt"].expected, wrong["calc.txt"].found) == (
        29,
        "line 28\n",
        "LINE 28\n",
    )
    assert "already exists" in wrong["neu.txt"].why
    with pytest.raises(GitError):
        applying.apply(repository, data)
    assert everything(other) == before
    assert applying.misfits(repository, data, on_head=True) == []


def test_a_commit_on_a_new_branch(tmp_path, person):
    """By the person, of HEAD and the patch alone: what is changed besides stays in the work tree and out of the commit."""
    folder = tree(tmp_path / "r")
    other = clone(folder, tmp_path / "other")
    data = difference(folder)
    (other / "docs/a.md").write_text("mine\n")
    repository = Repository.at(other)
    made = applying.commit(repository, data, "try/it", "Say it in German\n\nBecause.\n")

    assert (
        git(other, "log", "-1", "--format=%H|%an|%ae|%s|%b", "try/it").strip()
        == f"{made}|Ana Person|ana@example.org|Say it in German|Because."
    )
    assert repository.branch == "try/it"
    assert sorted(git(other, "diff", "--name-only", "main", "try/it").split()) == ["calc.txt", "neu.txt"]
    assert (other / "calc.txt").read_text() == NEW
    assert git(other, "status", "--porcelain") == " M docs/a.md\n"
    for name, why in (("try/it", "exists"), ("a b", "no name"), ("-x", "no name")):
        with pytest.raises(GitError, match=why):
            applying.commit(repository, data, name, "x")


def test_a_guests_commit_is_the_guests(tmp_path, person):
    """At a served portal the commit has the guest's name and the peer's id, and says by whose word it was that guest; who serves is not
    in it. Without a name there is no commit."""
    folder = tree(tmp_path / "r")
    other = clone(folder, tmp_path / "other")
    by = applying.Guest("ben <b@x>\n", "alpha", "12D3KooWpeer")
    applying.commit(Repository.at(other), difference(folder), "try", "Say it\n\nPatch: 7\n", by)
    said = git(other, "log", "-1", "--format=%an|%ae|%cn|%ce|%(trailers:only,unfold)", "try").strip()

    assert said.splitlines() == [
        "ben b@x|12D3KooWpeer@chorus.invalid|ben b@x|12D3KooWpeer@chorus.invalid|Patch: 7",
        "Asserted-By: alpha <12D3KooWpeer@chorus.invalid>",
    ]
    assert "Ana" not in git(other, "cat-file", "commit", "try")


def test_who_a_commit_is_for(monkeypatch):
    """The user at his own terminal is who git knows; a guest is whom the engine names, or nobody."""
    hello = Hello(
        contract=(1, 0), version="1", agent_id="alpha", peer_id="12D3", kind="human", pid=1, data_dir="/d", person="ben"
    )
    assert applying.guest(hello) is None
    monkeypatch.setattr(local_files, "_reach", [Reach(served=True)])
    assert applying.guest(hello) == applying.Guest("ben", "alpha", "12D3")
    for unknown in (None, hello.model_copy(update={"person": ""})):
        with pytest.raises(GitError, match="who you are"):
            applying.guest(unknown)


def test_a_branch_that_cannot_be_gone_to_is_not_left_behind(tmp_path, person):
    """The work tree has changes of its own in the way: they stay, and so does everything else."""
    folder = tree(tmp_path / "r")
    other = clone(folder, tmp_path / "other")
    data = difference(folder)
    (other / "calc.txt").write_text("mine\n")
    repository = Repository.at(other)
    with pytest.raises(GitError, match="there is none"):
        applying.commit(repository, data, "try", "x")

    assert git(other, "branch", "--format=%(refname:short)") == "main\n"
    assert (other / "calc.txt").read_text() == "mine\n"


def test_who_git_does_not_know_makes_no_commit(tmp_path, person, monkeypatch):
    """It is told how to say who one is."""
    folder = tree(tmp_path / "r")
    other = clone(folder, tmp_path / "other")
    data = difference(folder)
    (tmp_path / "home/.gitconfig").write_text("[user]\n\tuseConfigOnly = true\n")
    with pytest.raises(GitError, match=r"user\.name"):
        applying.commit(Repository.at(other), data, "try", "x")


def test_a_draft_reads_no_repository_out_of_reach(tmp_path, monkeypatch):
    """The folder is asked for with each diff: one that was typed since, and a link that took the place of one that was looked at."""
    root = tmp_path.resolve() / "root"
    shop = tree(root / "shop")
    (shop / "calc.txt").write_text(NEW)
    outside = tree(tmp_path.resolve() / "beside")
    (outside / "calc.txt").write_text(NEW.replace("zeile", "secret"))
    monkeypatch.setattr(local_files, "_reach", [Reach(served=True, root=root)])
    draft = PatchDraft("shop", chosen={"calc.txt"})
    assert [one.path for one in draft.read()] == ["calc.txt"]
    assert b"zeile 10" in draft.difference()

    draft.folder = str(outside)
    with pytest.raises(GitError, match="within reach"):
        draft.difference()
    draft.folder = str(shop)
    shop.rename(root / "was")
    shop.symlink_to(outside)
    with pytest.raises(GitError, match="within reach"):
        draft.difference()
    assert b"secret" not in draft.data


def test_files_beyond_the_bound_are_not_read(tmp_path):
    """Their size is looked at before git gets them, alone and in a folder; what is not chosen does not count."""
    folder = tree(tmp_path / "r")
    (folder / "calc.txt").write_text(NEW)
    (folder / "big").mkdir()
    with (folder / "big/file").open("wb") as file:
        file.truncate(worktree.MOST_READ + 1)
    repository = Repository.at(folder)
    for paths in (["big/file"], ["big", "calc.txt"], ["."]):
        with pytest.raises(GitError, match="64 MiB of files at most"):
            worktree.diff(repository, paths)

    assert b"zeile 10" in worktree.diff(repository, ["calc.txt"])


# ── what must not happen ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_diff_changes_nothing_anywhere(tmp_path, person, what, monkeypatch):
    """It is refused before git sees it: not even a dry run is made."""
    room = tmp_path / "room"
    folder = tree(room / "r", {"calc.py": "one\ntwo\nthree\n", "x": "a\n"})
    repository = Repository.at(folder)
    before = everything(room)
    monkeypatch.setattr(Repository, "git", lambda *_, **__: pytest.fail("git was asked"))
    monkeypatch.setattr(Repository, "tried", lambda *_, **__: pytest.fail("git was asked"))
    for attempt in (
        lambda: applying.misfits(repository, HOSTILE[what]),
        lambda: applying.apply(repository, HOSTILE[what]),
        lambda: applying.commit(repository, HOSTILE[what], "b", "x"),
    ):
        with pytest.raises(BadDiff):
            attempt()

    assert everything(room) == before


@pytest.mark.parametrize(
    "what",
    [
        name
        for name in HOSTILE
        if name.startswith(
            (
                "out of",
                "absolute",
                "git's",
            )
        )
    ],
)
def test_git_itself_would_not_leave_the_tree_either(tmp_path, what):
    """The second wall: real git, given the same diff past our own rules, writes nothing outside."""
    room = tmp_path / "room"
    folder = tree(room / "r", {"calc.py": "one\ntwo\nthree\n", "x": "a\n"})
    before = {name: data for name, data in everything(room).items() if not name.startswith("r/")}
    own = {name: data for name, data in everything(room).items() if name.startswith("r/.git/")}
    Repository.at(folder).tried("apply", "-", data=HOSTILE[what])

    assert {name: data for name, data in everything(room).items() if not name.startswith("r/")} == before
    assert {name: data for name, data in everything(room).items() if name.startswith("r/.git/")} == own


def test_a_link_in_the_tree_is_no_way_out(tmp_path):
    """A file below a link of the person's own tree is not written through it."""
    room = tmp_path / "room"
    folder, outside = tree(room / "r"), room / "outside"
    outside.mkdir()
    (folder / "out").symlink_to(outside)
    data = b"diff --git a/out/x b/out/x\nnew file mode 100644\n--- /dev/null\n+++ b/out/x\n@@ -0,0 +1 @@\n+x\n"
    wrong = applying.misfits(Repository.at(folder), data)

    assert "symbolic link" in wrong[0].why
    with pytest.raises(GitError):
        applying.apply(Repository.at(folder), data)
    assert not list(outside.iterdir())


@pytest.mark.parametrize("driver", ["evil", "a=b", "a.b=c=d"])
def test_nothing_of_the_repository_runs(tmp_path, person, driver):
    """Hooks, filters, text conversions, external diffs, monitors: set in the repository, none is started by anything we do, whatever
    a filter is called."""
    folder = tree(tmp_path / "r")
    mark = tmp_path / "ran"
    program = tmp_path / "evil"
    program.write_text(f"#!/bin/sh\necho ran >> {mark}\ncat\n")
    program.chmod(0o755)
    for name in (
        "post-checkout",
        "pre-commit",
        "post-commit",
        "post-index-change",
        "reference-transaction",
        "post-applypatch",
    ):
        hook = folder / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(program.read_text())
        hook.chmod(0o755)
    for name in (
        "core.fsmonitor", "diff.external", "diff.evil.textconv", "diff.evil.command", "filter.evil.clean", "filter.evil.smudge",
        "filter.evil.process", "core.pager", "core.editor", "gpg.program", "pager.diff", "core.askPass", "core.sshCommand",
    ):  # fmt: skip
        with (folder / ".git/config").open("a") as config:
            section, _, key = name.rpartition(".")
            first, _, second = section.partition(".")
            second = second and driver
            config.write(f"[{first}{f' {chr(34)}{second}{chr(34)}' if second else ''}]\n\t{key} = {program}\n")
    with (folder / ".git/config").open("a") as config:
        config.write(f'[commit]\n\tgpgSign = true\n[filter "{driver}"]\n\trequired = true\n')
    (folder / ".gitattributes").write_text(f"* filter={driver} diff={driver}\n")
    (folder / "calc.txt").write_text(NEW)
    repository = Repository.at(folder)
    worktree.changed(repository)
    data = worktree.diff(repository, ["calc.txt", ".gitattributes"])
    (folder / "calc.txt").write_text(OLD)
    (folder / ".gitattributes").unlink()
    assert applying.misfits(repository, data) == []
    applying.commit(repository, data, "branch", "x")
    back = git(folder, "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "rev-parse", "branch").strip()
    mark.unlink(missing_ok=True)
    (folder / "calc.txt").write_text(OLD)
    (folder / ".gitattributes").unlink()
    applying.misfits(repository, data, on_head=True)
    applying.apply(repository, data)

    assert len(back) == 40
    assert not mark.exists()


def test_the_marker_program_works(tmp_path):
    """So that the test above would see it: git itself does start what a repository sets."""
    folder = tree(tmp_path / "r")
    mark = tmp_path / "ran"
    hook = folder / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\necho ran >> {mark}\n")
    hook.chmod(0o755)
    git(folder, "switch", "-qc", "other")

    assert mark.exists()
    assert os.access(hook, os.X_OK)
