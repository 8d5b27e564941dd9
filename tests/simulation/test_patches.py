"""Patches on a simulated mesh: every peer shows the same, whoever was cut off, came late or is gone."""

from __future__ import annotations

import base64

import pytest
import trio

from chorus_tui.contract.models.decisions import ProposeDecision
from chorus_tui.contract.models.patches import (
    Comment,
    CreatePatch,
    PatchPreview,
    PreviewPatch,
    ReadDiff,
    StagePiece,
    WriteContext,
)
from chorus_tui.contract.problem import Problem
from chorus_tui.contract.ucxl import parse
from chorus_tui.engine.control import entries
from tests.simulation.documents import Documents
from tests.simulation.engines import until
from tests.simulation.test_meeting import one_mesh
from tests.simulation.workshop import OLD, change, workshop

DOCUMENT = "ucxl://ana:writer@shop:docs/*^/guide.md"


async def test_a_patch_goes_its_way_and_all_show_the_same(tmp_path, autojump_clock):
    """Made, reviewed at a line, submitted, put to the vote, passed, applied: one state everywhere at each step; what was applied is
    remembered once."""
    async with workshop(1, tmp_path, "a", "b", "c") as made:
        id_ = (await made.create("a", message="Because.")).patch_id
        await made.all_show(id_, "draft")
        await made.review("b", id_, comments=[Comment(file="calc.txt", hunk=0, line=2, text="zwo?")])
        seen = await made.all_show(id_, "in_review")
        assert (seen.approvals, seen.reviews[0].comments[0].text, seen.reviews[0].counts) == (1, "zwo?", True)

        await made.submit("a", id_)
        await made.all_show(id_, "submitted")
        await made.vote("c", id_, deadline="1h")
        voting = await made.all_show(id_, "voting")
        assert voting.vote is not None
        for name in "abc":
            await made.ballot(name, voting.vote.decision_id)
        passed = await made.all_show(id_, "passed")
        assert passed.vote is not None and passed.vote.outcome == "approve"

        await made.applied("c", id_, repository="calc", branch="german")
        applied = await made.all_show(id_, "applied")
        assert [(one.by_name, one.branch, one.commit) for one in applied.applied] == [("c", "german", "a" * 40)]
        events = [service.book.events for service in made.services.values()]
        await until("the vote and the patch are remembered", lambda: all(len(known) == 2 for known in events))
        await trio.sleep(30)
        assert len(set(map(frozenset, events))) == 1


async def test_a_new_revision_begins_anew(tmp_path, autojump_clock):
    """What was said of the first counts for the first: neither its approval nor its submission carries over."""
    async with workshop(2, tmp_path, "a", "b", "c") as made:
        id_ = (await made.create("a")).patch_id
        await made.all_show(id_, "draft")
        await made.review("b", id_)
        await made.submit("a", id_)
        await made.all_show(id_, "submitted")
        await made.create("a", supersedes=id_, diff=change("one\nzwo\nthree\n"))
        seen = await made.all_show(id_, "draft")

        assert (seen.revision, seen.approvals, [one.revision for one in seen.revisions]) == (1, 0, [0, 1])
        assert seen.reviews[0].why == "said of another revision"
        with pytest.raises(Problem, match="not the newest"):
            await made.review("b", id_, revision=0)
        with pytest.raises(Problem, match="Only its author"):
            await made.create("b", supersedes=id_)


async def test_own_approval_counts_nothing(tmp_path, autojump_clock):
    """At the door it is refused; a peer that says it all the same is not heard by the others."""
    async with workshop(3, tmp_path, "a", "b", "c") as made:
        patch = await made.create("a")
        await made.all_show(patch.patch_id, "draft")
        with pytest.raises(Problem, match="cannot judge"):
            await made.review("a", patch.patch_id)
        said = {"patch": patch.entry, "patch_id": patch.patch_id, "verdict": "approve", "text": "fine"}
        await made.at.peers["a"].journal.say("patch_review", said)
        await until("heard", lambda: all(one and one.reviews for one in (made.show(n, patch.patch_id) for n in "abc")))
        seen = await made.all_show(patch.patch_id, "draft")

        assert (seen.approvals, seen.reviews[0].why) == (0, "nobody judges a patch of one's own")


async def test_through_loss_and_cuts_all_end_alike(tmp_path, autojump_clock):
    """Two sides of a cut review, revise, submit and withdraw; messages are lost and doubled; healed, all show one state."""
    async with workshop(4, tmp_path, "a", "b", "c", "d", "e") as made:
        id_, other = (await made.create("a")).patch_id, (await made.create("b", title="Another")).patch_id
        for one in (id_, other):
            await made.all_show(one, "draft")
        made.at.network.loss, made.at.network.duplication = 0.2, 0.2
        made.cut("d", "e")
        await made.review("d", id_, "changes", text="Not so.")
        await made.review("b", id_)
        await made.create("a", supersedes=id_, diff=change("one\nzwo\nthree\n"))
        await until("c has the second revision", lambda: (view := made.show("c", id_)) and view.revision == 1)
        await made.review("e", other)
        await made.submit("b", other)
        await made.review("c", id_, "changes", text="zwei")
        await trio.sleep(20)
        made.at.network.heal()
        made.at.network.connect_all()
        first = await made.all_show(id_, "in_review", 400)
        second = await made.all_show(other, "submitted", 400)

        assert (first.revision, first.approvals, first.objections) == (1, 0, 1)
        assert second.approvals == 1


async def test_a_late_comer_and_one_that_comes_back_see_it_too(tmp_path, autojump_clock):
    """From the feeds alone, in whatever order they come; and after the author was removed it can still be applied."""
    async with workshop(5, tmp_path, "a", "b", "c", "pat:human", "ana:human") as made:
        members = made.at.peers["a"].control.members.values()
        masters = [one.agent_id for one in members if one.authority == "master"]
        author = next(name for name in ("pat", "ana") if masters != [name])
        master = next(name for name in masters if name != author)
        id_ = (await made.create(author)).patch_id
        await made.all_show(id_, "draft")
        await made.review("a", id_)
        await made.submit(author, id_)
        await made.all_show(id_, "submitted")
        gone = made.at.peers[author].peer_id
        made.kill(author)
        await made.start("late")
        await made.all_show(id_, "submitted")
        await made.at.peers[master].control.request(entries.MEMBER_RETIRED, {"peer_id": gone})
        await until("gone", lambda: all(gone not in peer.control.members for peer in made.at.peers.values()))
        await made.applied("late", id_)
        seen = await made.all_show(id_, "applied")

        assert (seen.author, seen.approvals) == (gone, 1)


async def test_what_waits_for_a_person_stands_in_the_inbox(tmp_path, autojump_clock):
    """A review that it has not given, then a patch that nobody has applied; answered there, each once. An agent has none."""
    async with workshop(14, tmp_path, "a", "b", "pat:human") as made:
        id_ = (await made.create("a")).patch_id
        await made.all_show(id_, "draft")
        inbox = made.services["pat"].inbox
        (review,) = inbox.waiting()
        assert (review.kind, review.subject_id) == ("review", id_)
        assert not made.services["b"].inbox.waiting()
        told = await inbox.answer(review, "approve", "fine", None)
        assert told == "Reviewed; 1 approve, 0 ask for changes"
        await made.all_show(id_, "in_review")
        assert not inbox.waiting()
        await made.submit("a", id_)
        await made.all_show(id_, "submitted")
        (apply,) = inbox.waiting()
        assert (apply.kind, apply.subject_id, apply.command) == ("apply", id_, f"chorus-tui patch apply {id_}")
        await inbox.answer(apply, "applied", "", None)
        await made.all_show(id_, "applied")
        assert not inbox.waiting()
        with pytest.raises(Problem):
            await inbox.answer(review, "approve", "", None)


async def test_what_ends_a_patch_is_said_by_who_may(tmp_path, autojump_clock):
    """Its author withdraws it; another member without the authority to decide does not, nor does it count when said all the same."""
    async with workshop(6, tmp_path, "a", "b", "c") as made:
        plain = next(name for name in "abc" if name != made.admin)
        other = next(name for name in "abc" if name not in (plain, made.admin))
        patch = await made.create(other)
        id_ = patch.patch_id
        await made.all_show(id_, "draft")
        with pytest.raises(Problem, match="may not withdraw"):
            await made.withdraw(plain, id_)
        with pytest.raises(Problem, match="may not submit"):
            await made.submit(plain, id_)
        with pytest.raises(Problem, match="is draft"):
            await made.applied(plain, id_)
        await made.at.peers[plain].journal.say(
            "patch_state", {"patch": patch.entry, "patch_id": id_, "state": "withdrawn", "reason": "mine now"}
        )
        await trio.sleep(5)
        await made.all_show(id_, "draft")
        await made.withdraw(other, id_)
        seen = await made.all_show(id_, "withdrawn")

        assert seen.why == "not now"
        with pytest.raises(Problem, match="is withdrawn"):
            await made.review(plain, id_)


async def test_a_rejected_patch_is_not_applied(tmp_path, autojump_clock):
    """The vote went against it: who asks is told; a new revision may be put forward."""
    async with workshop(7, tmp_path, "a", "b", "c") as made:
        id_ = (await made.create("a")).patch_id
        await made.all_show(id_, "draft")
        await made.submit("a", id_)
        await made.all_show(id_, "submitted")
        view = await made.vote("a", id_, deadline="1h")
        assert view.vote is not None
        with pytest.raises(Problem, match="being voted on"):
            await made.vote("a", id_)
        voting = await made.all_show(id_, "voting")
        for name in "abc":
            await made.ballot(name, voting.decision_id, "reject")
        await made.all_show(id_, "rejected")
        with pytest.raises(Problem, match="is rejected"):
            await made.applied("b", id_)
        await made.create("a", supersedes=id_, diff=change("one\nzwo\nthree\n"))
        await made.all_show(id_, "draft")


@pytest.mark.parametrize("choice", ["approve", "reject"])
async def test_a_vote_of_one_decides_nothing_for_the_others(choice, tmp_path, autojump_clock):
    """A member that names itself alone, and takes one vote for enough, neither passes nor kills what another has made: its vote is
    shown beside the patch, with why, and the one that all are asked for counts."""
    async with workshop(9, tmp_path, "a", "b", "c") as made:
        patch = await made.create("a")
        id_ = patch.patch_id
        await made.all_show(id_, "draft")
        await made.submit("a", id_)
        await made.all_show(id_, "submitted")
        alone = ProposeDecision(
            title="Mine", deadline="1h", quorum="0/1", eligible=[made.at.peers["b"].peer_id], patch=patch.entry
        )
        decision = (await made.votes["b"].proposing.propose(alone, None)).decision_id
        await made.ballot("b", decision, choice)
        ended = {"approve": "passed", "reject": "rejected"}[choice]
        await until("its vote is closed", lambda: [one.state for one in made.show("c", id_).idle_votes] == [ended])
        seen = await made.all_show(id_, "submitted")

        assert seen.vote is None
        assert seen.idle_votes[0].why == "its quorum is 0/1, less than half of those named"
        whole = await made.vote("b", id_, deadline="1h")
        await made.all_show(id_, "voting")
        for name in "abc":
            await made.ballot(name, whole.decision_id, "approve")
        passed = await made.all_show(id_, "passed")
        assert (passed.decision_id, len(passed.idle_votes)) == (whole.decision_id, 1)


async def test_who_joins_while_a_vote_is_held_does_not_stop_it(tmp_path, autojump_clock):
    """It is not named, and could have turned nothing: all three had agreed. It shows the same."""
    async with workshop(10, tmp_path, "a", "b", "c") as made:
        id_ = (await made.create("a")).patch_id
        await made.all_show(id_, "draft")
        await made.submit("a", id_)
        await made.all_show(id_, "submitted")
        decision = (await made.vote("b", id_, deadline="1h")).decision_id
        await made.all_show(id_, "voting")
        await made.start("d")
        await until("d has joined", lambda: one_mesh(list(made.at.peers.values())))
        await until("and may vote", lambda: all(len(one.control.members) == 4 for one in made.at.peers.values()))
        for name in "abc":
            await made.ballot(name, decision, "approve")
        passed = await made.all_show(id_, "passed")

        assert passed.idle_votes == []


async def test_secrets_and_hostile_diffs_make_no_patch(tmp_path, autojump_clock):
    """Refused with file and line before anything is kept or said; a preview tells the same."""
    async with workshop(8, tmp_path, "a", "b", "c") as made:
        secret = change("one\nAKIA" + "ABCDEFGHIJKLMNOP\nthree\n")
        with pytest.raises(Problem) as refused:
            await made.create("a", diff=secret)
        preview: PatchPreview = await made.services["a"].making.preview(PreviewPatch(diff=secret), None)
        with pytest.raises(Problem, match="not taken"):
            await made.create("a", diff=base64.b64encode(b"diff --git a/../x b/../x\nnew file mode 100644\n").decode())
        with pytest.raises(Problem, match="not taken"):
            await made.create("a", diff=base64.b64encode(b"hello\n").decode())

        assert refused.value.fields == {"calc.txt:2": "looks like a secret"}
        assert [(one.file, one.line) for one in preview.secrets] == [("calc.txt", 2)]
        assert not list(tmp_path.iterdir())
        assert not made.services["a"].book.patches


async def test_a_comment_stands_at_a_place_that_there_is(tmp_path, autojump_clock):
    """A file, hunk or line that the diff does not have is refused by its field."""
    async with workshop(9, tmp_path, "a", "b", "c") as made:
        id_ = (await made.create("a")).patch_id
        await made.all_show(id_, "draft")
        for place in ({"file": "x"}, {"file": "calc.txt", "hunk": 1}, {"file": "calc.txt", "line": 9}):
            with pytest.raises(Problem) as refused:
                await made.review("b", id_, "comment", comments=[Comment(text="?", **place)])
            assert list(refused.value.fields) == ["comments.0"]
        with pytest.raises(Problem):
            await made.review("b", id_, "comment")


async def test_a_long_diff_comes_in_pieces_and_goes_out_in_pieces(tmp_path, autojump_clock):
    """Staged in memory, read in ranges; a piece that does not follow is refused."""
    async with workshop(10, tmp_path, "a", "b", "c") as made:
        data = base64.b64decode(change("".join(f"line {n} of a long text\n" for n in range(40_000))))
        making, name, at = made.services["a"].making, "", 0
        while at < len(data):
            piece = base64.b64encode(data[at : at + 400_000]).decode()
            staged = await making.stage(StagePiece(staged=name, offset=at, data=piece), None)
            name, at = staged.staged, staged.size
        with pytest.raises(Problem):
            await making.stage(StagePiece(staged=name, offset=1, data="YQ=="), None)
        id_ = (await making.create(CreatePatch(title="long", staged=name), None)).patch_id
        await made.all_show(id_, "draft")
        got = b""
        while len(got) < len(data):
            chunk = await made.services["b"].acting.diff(ReadDiff(patch_id=id_, offset=len(got)), None)
            got += base64.b64decode(chunk.data)

        assert got == data


async def test_a_context_patch_writes_a_version_once(tmp_path, autojump_clock):
    """Made from the newest text, applied as the next version; a second try finds it written, and a changed document is a conflict that
    names both versions."""
    documents = Documents()
    async with workshop(11, tmp_path, "a", "b", "c", contents=documents) as made:
        place = parse(DOCUMENT)
        await documents.put(place, OLD.encode())
        common = {"diff": "", "kind": "context", "address": DOCUMENT, "repository": ""}
        id_ = (await made.create("a", content=OLD.replace("two", "zwei"), **common)).patch_id
        late = (await made.create("b", content=OLD.replace("three", "drei"), **common)).patch_id
        for one in (id_, late):
            await made.all_show(one, "draft")
        await made.submit("a", id_)
        await made.submit("b", late)
        await made.all_show(id_, "submitted")
        await made.all_show(late, "submitted")
        write = made.services["c"].context.write
        tried = await write(WriteContext(patch_id=id_, dry_run=True), None)
        assert (tried.version, len(documents.versions(place))) == (2, 1)
        done = await write(WriteContext(patch_id=id_), None)
        seen = await made.all_show(id_, "applied")
        again = await made.services["b"].context.write(WriteContext(patch_id=id_), None)
        with pytest.raises(Problem) as conflict:
            await write(WriteContext(patch_id=late), None)
        with pytest.raises(Problem, match="writing its document"):
            await made.applied("c", late)

        assert (done.version, again.version, len(documents.versions(place))) == (2, 2, 2)
        assert (await documents.get(place))[1].decode() == OLD.replace("two", "zwei")
        assert [(one.address, one.version) for one in seen.applied] == [(place.place, 2)]
        assert conflict.value.fields == {"made_for": "1", "newest": "2"}


async def test_a_sealed_document_is_not_patched_in_the_open(tmp_path, autojump_clock):
    """Its text would be in a diff that everybody reads."""
    documents = Documents()
    async with workshop(12, tmp_path, "a", "b", "c", contents=documents) as made:
        await documents.put(parse(DOCUMENT), OLD.encode(), readers=("master",))
        with pytest.raises(Problem, match="sealed"):
            await made.create("a", diff="", kind="context", address=DOCUMENT, content="new\n")

        assert not list(tmp_path.iterdir())


async def test_a_new_document_is_made_by_a_patch(tmp_path, autojump_clock):
    """Where there was none; when another made it meanwhile, that is a conflict."""
    documents = Documents()
    async with workshop(13, tmp_path, "a", "b", "c", contents=documents) as made:
        id_ = (await made.create("a", diff="", kind="context", address=DOCUMENT, content="new\n")).patch_id
        await made.submit("a", id_)
        await made.services["a"].context.write(WriteContext(patch_id=id_), None)
        assert (await documents.get(parse(DOCUMENT)))[1] == b"new\n"
        other = "ucxl://ana:writer@shop:docs/*^/other.md"
        id_ = (await made.create("a", diff="", kind="context", address=other, content="new\n")).patch_id
        await made.submit("a", id_)
        await documents.put(parse(other), b"mine\n")
        with pytest.raises(Problem, match="has changed"):
            await made.services["a"].context.write(WriteContext(patch_id=id_), None)
