"""Patches between real engines over real libp2p, from a real work tree into other clones, by the command line alone."""

from __future__ import annotations

import shutil

import pytest

from tests.integration.patches.trees import OLD, clone, git, tree
from tests.integration.system.peers import Peer, eventually, mesh
from tests.integration.system.test_decisions import ended

NEW = OLD.replace("line 10\n", "zeile 10\n")


def seen(peer: Peer, id_: str) -> dict:
    """What a peer shows of it; empty while it has not heard of it."""
    return peer.get(f"/api/v1/patches/{id_}") or {}


def in_state(peers: list[Peer], id_: str, state: str) -> list[dict]:
    """What each shows, once all show it so."""

    def views() -> list[dict] | None:
        found = [seen(peer, id_) for peer in peers]
        return found if all(view.get("state") == state for view in found) else None

    return eventually(f"{id_} is {state} for all", views, 40)


def two_people(made) -> list[Peer]:
    made.grow("ada")
    people = [made.add(name, kind="human") for name in ("pat", "quinn")]
    for peer in people:
        peer.environment |= {"GIT_AUTHOR_NAME": peer.name, "GIT_AUTHOR_EMAIL": f"{peer.name}@example.org"}
        peer.environment |= {"GIT_COMMITTER_NAME": peer.name, "GIT_COMMITTER_EMAIL": f"{peer.name}@example.org"}
        peer.ready()
    eventually("one mesh with all members", made.whole, 40)
    return [*made.peers]


def test_a_patch_from_one_work_tree_into_another(tmp_path):
    """Made, seen in the inbox, reviewed at a line, submitted, voted on, tried where it does not fit, applied as a commit of who
    applies it; all show the same."""
    here = tree(tmp_path / "calc")
    there, odd = clone(here, tmp_path / "there"), clone(here, tmp_path / "odd")
    (here / "calc.txt").write_text(NEW)
    (here / "neu.txt").write_text("n\n")
    (odd / "calc.txt").write_text(OLD.replace("line 10\n", "LINE 10\n"))
    (tmp_path / "mesh").mkdir()
    with mesh(tmp_path / "mesh") as made:
        peers = ada, pat, quinn = two_people(made)
        words = ("--title", "Say it in German", "--message", "Because.", "--type", "docs")
        created = pat.run("patch", "new", "--repo", str(here), str(here / "calc.txt"), str(here / "neu.txt"), *words)
        id_ = created.stdout.strip()
        in_state(peers, id_, "draft")
        (waits,) = eventually("in the inbox", lambda: quinn.json("inbox", "list")["inbox"])
        early = quinn.run("patch", "apply", id_, "--repo", str(there))
        quinn.json("patch", "review", id_, "--approve", "--comment", "Nice.", "--at", "calc.txt:1:5", "why ten?")
        own = pat.run("patch", "review", id_, "--approve")
        wrong = quinn.run("patch", "review", id_, "--at", "calc.txt:7", "x")
        in_state(peers, id_, "in_review")
        told = pat.run("patch", "show", id_)
        listed = ada.run("patch", "list")
        pat.run("patch", "submit", id_)
        in_state(peers, id_, "submitted")
        decision = quinn.run("patch", "vote", id_, "--deadline", "10m").stdout.strip()
        voting = in_state(peers, id_, "voting")
        for peer in peers:
            peer.json("decide", "vote", decision, "approve", "--final")
        ended(peers, decision)
        passed = in_state(peers, id_, "passed")
        before = (odd / "calc.txt").read_bytes()
        misfit = quinn.run("patch", "apply", id_, "--repo", str(odd))
        rows = quinn.run("patch", "apply", id_, "--repo", str(odd), "--dry-run", "--json")
        tried = quinn.json("patch", "apply", id_, "--repo", str(there), "--dry-run")
        done = quinn.run("patch", "apply", id_, "--repo", str(there), "--branch", "german")
        views = in_state(peers, id_, "applied")
        diff = ada.run("patch", "show", id_, "--diff").stdout

        assert created.returncode == 0, created.stderr
        assert (waits["kind"], waits["subject_id"]) == ("review", id_)
        assert early.returncode == 1
        assert "draft" in early.stderr
        assert own.returncode == 1
        assert "one's own" in own.stderr
        assert wrong.returncode == 2
        assert "comments.0" in wrong.stderr
        assert "quinn" in told.stdout
        assert "calc.txt, hunk 1, line 5: why ten?" in told.stdout
        assert "Say it in German" in listed.stdout
        assert {view["vote"]["decision_id"] for view in voting} == {decision}
        assert {view["approvals"] for view in passed} == {1}
        assert misfit.returncode == 1
        assert "calc.txt:10: " in misfit.stderr
        assert "expected: line 10" in misfit.stderr
        assert "found:    LINE 10" in misfit.stderr
        assert '"line": 10' in rows.stdout
        assert (odd / "calc.txt").read_bytes() == before
        assert tried["applies"]
        assert done.returncode == 0, done.stderr
        assert git(there, "log", "-1", "--format=%an|%s|%b").split("\n")[0] == "quinn|Say it in German|Because."
        assert f"Patch: {id_}" in git(there, "log", "-1", "--format=%B")
        assert (there / "calc.txt").read_text() == NEW
        assert git(there, "status", "--porcelain") == ""
        commit = git(there, "rev-parse", "HEAD").strip()
        assert {(one["by_name"], one["commit"], one["branch"]) for view in views for one in view["applied"]} == {
            ("quinn", commit, "german")
        }
        assert "+zeile 10\n" in diff
        (node,) = eventually(
            "remembered", lambda: [one for one in ada.json("slurp", "context", f"general/patches/{id_}")["nodes"] if one["kind"] == "patch"], 30
        )  # fmt: skip
        assert "Say it in German" in node["summary"]


def test_an_author_that_is_gone_for_good(tmp_path):
    """Its data are lost with it; a peer that comes afterwards still gets the diff from others, and applies it; secrets never left."""
    here = tree(tmp_path / "calc")
    there = clone(here, tmp_path / "there")
    (tmp_path / "mesh").mkdir()
    with mesh(tmp_path / "mesh") as made:
        ada, pat, quinn = two_people(made)
        (here / "calc.txt").write_text(OLD + "key = AKIA" + "ABCDEFGHIJKLMNOP\n")
        refused = pat.run("patch", "new", "--repo", str(here), "--title", "t")
        (here / "calc.txt").write_text(NEW)
        (here / "new.txt").write_text("x\n")
        made_ = pat.run("patch", "new", "--repo", str(here), "--title", "t")
        id_ = made_.stdout.strip()
        pat.run("patch", "submit", id_)
        in_state([ada, pat, quinn], id_, "submitted")
        eventually("others hold its diff", lambda: seen(ada, id_)["diff_here"] and seen(quinn, id_)["diff_here"], 60)
        pat.kill()
        shutil.rmtree(pat.data_dir)
        made.peers.remove(pat)
        late = made.add("late", kind="human")
        late.ready()
        in_state([ada, quinn, late], id_, "submitted")
        done = late.run("patch", "apply", id_, "--repo", str(there))
        in_state([ada, quinn, late], id_, "applied")
        again = late.run("patch", "apply", id_, "--repo", str(there))

        assert refused.returncode == 2
        assert "calc.txt:31" in refused.stderr
        assert "AKIA" not in refused.stderr
        assert made_.returncode == 0
        assert "new.txt" in made_.stderr
        assert done.returncode == 0, done.stderr
        assert (there / "calc.txt").read_text() == NEW
        assert not (there / "new.txt").exists()
        assert again.returncode == 1
        assert "found:    zeile 10" in again.stderr


@pytest.mark.docker
def test_what_a_task_has_changed_becomes_a_patch(tmp_path, base_image):
    """Announced by one, done by another in a sandbox, made into a patch and applied to the work tree it came from."""
    here = tree(tmp_path / "calc")
    (tmp_path / "mesh").mkdir()
    with mesh(tmp_path / "mesh") as made:
        ada, pat, quinn = two_people(made)
        task = pat.announce(
            "--title", "Say it in German", "--repository", str(here), "--command", "sed -i 's/^line 10$/zeile 10/' calc.txt", "--project", "shop"
        )  # fmt: skip
        waiting = pat.announce("--title", "never", "--command", "true", "--role", "nobody")
        eventually("known there", lambda: quinn.task(waiting))
        open_ = quinn.run("patch", "new", "--task", waiting)
        pat.wait(task, 90)
        eventually("accepted there too", lambda: quinn.task(task).get("state") == "completed", 30)
        view = quinn.json("patch", "new", "--task", task[:20].lower())  # the patch names the task whole
        quinn.run("patch", "submit", view["patch_id"])
        in_state([ada, pat, quinn], view["patch_id"], "submitted")
        done = pat.run("patch", "apply", view["patch_id"], "--repo", str(here))

        assert open_.returncode == 1
        assert (view["title"], view["task_id"], view["project_id"]) == ("Say it in German", task, "shop")
        assert view["base"] == git(here, "rev-parse", "HEAD").strip()
        assert done.returncode == 0, done.stderr
        assert (here / "calc.txt").read_text() == NEW


def test_a_context_patch_writes_the_next_version(tmp_path):
    """Made of a document's new text on one engine, reviewed and applied on another; one made of the same text is a conflict then, with
    both numbers; a dry run writes nothing, and a document that is sealed is not patched."""
    (tmp_path / "mesh").mkdir()
    new, other, old = tmp_path / "new.md", tmp_path / "other.md", tmp_path / "old.md"
    old.write_text(OLD)
    new.write_text(NEW)
    other.write_text(OLD.replace("line 20\n", "zeile 20\n"))
    place = "ucxl://pat:writer@shop:docs/*^/guide.md"
    with mesh(tmp_path / "mesh") as made:
        _, pat, quinn = peers = two_people(made)
        assert pat.run("ucxl", "put", place, str(old)).returncode == 0
        sealed = pat.run("ucxl", "put", "ucxl://pat:writer@shop:docs/*^/sealed.md", str(old), "--readers", "master")
        eventually("known there", lambda: quinn.run("ucxl", "get", place).stdout == OLD, 30)
        ids = [
            peer.run("patch", "new", "--ucxl", place, str(file), "--title", file.name).stdout.strip()
            for peer, file in ((pat, new), (quinn, other))
        ]
        refused = pat.run(
            "patch", "new", "--ucxl", "ucxl://pat:writer@shop:docs/*^/sealed.md", str(new), "--title", "no"
        )
        for id_, peer in zip(ids, (pat, quinn), strict=True):
            in_state(peers, id_, "draft")
            peer.run("patch", "submit", id_)
            in_state(peers, id_, "submitted")
        tried = quinn.run("patch", "apply", ids[0], "--dry-run")
        before = quinn.run("ucxl", "get", place).stdout
        done = quinn.run("patch", "apply", ids[0])
        in_state(peers, ids[0], "applied")
        eventually(
            "written everywhere", lambda: all(peer.run("ucxl", "get", place).stdout == NEW for peer in peers), 30
        )
        late = quinn.run("patch", "apply", ids[1])

        assert sealed.returncode == 0, sealed.stderr
        assert refused.returncode == 1
        assert "sealed" in refused.stderr
        assert tried.stdout == f"It applies as version 2 of {place}\n"
        assert before == OLD
        assert done.stdout == f"Written as version 2 of {place}\n"
        assert late.returncode == 1
        assert "made for version 1; the newest is version 2" in late.stderr
