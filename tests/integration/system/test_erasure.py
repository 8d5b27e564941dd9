"""Erasing with real processes and the command line people use: the text is gone from every disk and every screen."""

from __future__ import annotations

from tests.integration.system.peers import Peer, eventually

TEXT = "words-that-nobody-may-keep"


def on_disk(peer: Peer) -> bool:
    """Whether any file of the journal holds the text."""
    return any(TEXT.encode() in file.read_bytes() for file in peer.data_dir.glob("journal.db*"))


def test_an_erased_text_leaves_every_disk_and_screen(fresh_mesh):
    """The author of a task cancels it and erases what it asked for. Its own disk, that of a peer that runs, of one that was
    killed meanwhile and of a newcomer hold no byte of the text; all verify, and say that it was erased."""
    boss, ann, away = fresh_mesh.grow("boss", "ann", "away", CHORUS_AGENT_MAX_TASKS="0")
    task_id = ann.announce("--title", TEXT, "--command", f"echo {TEXT}")
    for peer in (boss, away):
        eventually("all have it", lambda peer=peer: peer.task(task_id) and on_disk(peer), 20)
    tail = ann.json("journal", "tail", "--type", "task_announcement")
    hash_ = tail["entries"][-1]["hash"]

    early = ann.run("journal", "erase", hash_, "--yes")
    assert early.returncode == 1
    assert "still open" in early.stderr
    away.kill()
    ann.json("task", "cancel", task_id)
    eventually("it is cancelled", lambda: ann.task(task_id)["state"] == "cancelled", 20)
    ann.json("journal", "erase", hash_[:16], "--yes")
    away.start().ready()
    (fresh,) = fresh_mesh.grow("fresh", CHORUS_AGENT_MAX_TASKS="0")

    for peer in (boss, ann, away, fresh):
        eventually("the task is there", lambda peer=peer: peer.task(task_id).get("state") == "cancelled", 30)
        eventually("the text is not", lambda peer=peer: not on_disk(peer), 20)
        shown = peer.run("task", "show", task_id).stdout
        assert "erased" in shown
        assert TEXT not in shown
        assert TEXT not in peer.run("task", "list").stdout + peer.run("journal", "export").stdout
        entries = peer.json("journal", "tail", "--type", "task_announcement")["entries"]
        assert [(entry["problem"], entry["body"]) for entry in entries] == [("erased", None)]
        assert peer.json("journal", "verify")["ok"]
    stats = ann.json("journal", "stats")
    assert (stats["erased"], stats["withheld"], stats["parked"]) == (1, 0, 0)
    assert stats["entries"] == sum(share["entries"] for share in stats["by_author"])
    assert "task_announced" in ann.run("journal", "stats").stdout
    assert "not there any more" in ann.run("journal", "erase", hash_, "--yes").stderr
