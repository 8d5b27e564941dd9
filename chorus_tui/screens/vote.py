"""Voting from the screen: as this peer, or as the enrolled person whose key signs it.

ssh-keygen may ask for a passphrase or a touch at the terminal, so the portal steps aside while it works. Where the portal is served to
others, there is nothing to sign with: the person's key is on another machine.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from textual.app import SuspendNotSupported

from chorus_tui.client import EngineGone, signing
from chorus_tui.client.local_files import local, served
from chorus_tui.client.signing import CannotSign
from chorus_tui.commands.twins import line as twin
from chorus_tui.contract.models.decisions import OPEN, DecisionView, VoteDecision
from chorus_tui.contract.problem import Problem
from chorus_tui.contract.signed_vote import NAMESPACE
from chorus_tui.look import kept
from chorus_tui.telling import decision as words
from chorus_tui.widgets.answer import AnswerBox, Answered

if TYPE_CHECKING:
    from chorus_tui.app import ChorusApp

FOR_GOOD = "for good: I do not vote again; once all have said so, it closes"
NOT_HERE = "Here a vote cannot be signed: your key is not on the machine that this portal runs on. Where it is, --sign-with does it."
NO_TERMINAL = "This portal has no terminal at which ssh-keygen could ask; the command below signs in one"
NO_OWN_VOTE = "This peer has no vote on it; name the file of your own key to vote as an enrolled person"
Made = TypeVar("Made")


def may_be_signed(view: DecisionView) -> bool:
    """Whether a person may vote on it with a key of their own."""
    return view.state in OPEN and bool(view.persons)


def ask(app: ChorusApp, view: DecisionView) -> None:
    """Choice and reason in one box, with the key's file where somebody may sign; the box says why when it was not taken."""
    offered = may_be_signed(view)
    here = offered and not served()
    before = f"; you voted {view.my_vote}, the last vote counts" if view.my_vote else ""
    persons = f"; {', '.join(view.persons)} may vote signed" if offered else ""
    file = (kept.chosen(app.folder, "signing_key") if app.folder is not None else "") if here else None
    known = {} if offered else {"key": ""}
    hint = NOT_HERE if offered and not here else ""
    box = AnswerBox(
        words.title(view), f"{words.tally(view)}{before}{persons}", view.options, "optional",
        twin("decisions.vote", decision_id=view.decision_id, **known), for_good=FOR_GOOD, key=file, hint=hint,
    )  # fmt: skip

    async def give(answer: Answered) -> None:
        vote = VoteDecision(
            decision_id=view.decision_id, choice=answer.choice, reason=answer.words, final=answer.for_good
        )
        try:
            if not answer.key and not view.may_vote:
                raise CannotSign(NO_OWN_VOTE)
            made = await _signed(app, vote, local(answer.key)) if answer.key else vote
        except Problem as problem:
            box.settle("\n".join(filter(None, [problem.title, problem.detail])))
            return
        except (CannotSign, EngineGone, OSError) as error:
            box.settle(str(error))
            return
        if here and app.folder is not None:
            kept.keep(app.folder, "signing_key", answer.key)
        who = f" as {made.person}, signed" if made.person else ""
        done = f"Voted {vote.choice}{who}{', for good' if vote.final else ''}"
        app.ask_engine("decisions.vote", made, done, box, **({"key": answer.key} if answer.key else {}))

    def bring(answer: Answered) -> None:
        app.run_worker(give(answer), exit_on_error=False)

    box.bring = bring
    app.push_screen(box)


async def _signed(app: ChorusApp, vote: VoteDecision, file: Path) -> VoteDecision:
    """Raises :class:`CannotSign`, and as the engine's client does."""
    if served():
        raise CannotSign(NOT_HERE)
    assert app.client is not None
    # Without a public key beside it ssh-keygen opens the private one, and asks for what opens that.
    public = at_terminal(app, lambda: signing.public_key(file)) if signing.asks(file) else signing.public_key(file)
    ballot = await signing.ballot(app.client.call, vote, file, public)
    return ballot.signed(at_terminal(app, lambda: signing.sign(file, NAMESPACE, ballot.text)))


def at_terminal(app: ChorusApp, work: Callable[[], Made]) -> Made:
    """Do it while the terminal is not the portal's. Nothing is drawn meanwhile, so it is not left to a thread."""
    fault: Exception | None = None
    made: list[Made] = []
    try:
        # What is raised inside would leave the portal without its terminal (Textual's suspend has no finally).
        with app.suspend():
            # ctrl+c is for who asks there; left to Python it would end the portal.
            before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
            try:
                made.append(work())
            except Exception as error:  # noqa: BLE001 - raised again below
                fault = error
            finally:
                signal.signal(signal.SIGINT, before)
    except SuspendNotSupported:
        raise CannotSign(NO_TERMINAL) from None
    if fault is not None:
        raise fault
    return made[0]
