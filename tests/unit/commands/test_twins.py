"""The command lines that screens tell: each is one that the program takes."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import pkgutil
import shlex

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.cli.main import cli
from chorus_tui.commands.keys import everywhere
from chorus_tui.commands.places import PLACES, lazily
from chorus_tui.commands.table import COMMANDS
from chorus_tui.commands.twins import TWINS, line
from chorus_tui.contract.models import hmmm
from chorus_tui.contract.models.decisions import ProposeDecision, VoteDecision
from chorus_tui.contract.models.patches import CreatePatch
from chorus_tui.contract.models.task_spec import Budget, Limits, TaskSpec
from chorus_tui.contract.models.tasks import AnnounceTask, CancelTask
from chorus_tui.contract.models.ucxl import PutContent
from chorus_tui.contract.operations import BY_NAME

TASK = "01ARZ3NDEKTSV4RRFFQ69G5FA4"
SAMPLES = {"outcome": "nothing", "scope": "operate", "threshold": "majority", "quorum": "1/2", "deadline": "2d", "kind": "code", "limit": 20, "place": "a.py:1",
    "address": "ucxl://ada:member@shop:api/*^/plan.md", "against": "ucxl://ada:member@shop:api/*~1/plan.md",
    "pattern": "ucxl://any:any@shop:any/*^/any", "file": "/dev/null", "key": "/dev/null",
}  # fmt: skip
"""Where a command takes a few words only."""


def parsed(words: list[str]) -> click.Context:
    """As the program would take them; raises as it would."""
    command: click.Command = cli
    context = click.Context(cli, info_name="chorus-tui")
    while isinstance(command, click.Group) and words and command.get_command(context, words[0]):
        name, *words = words
        command = command.get_command(context, name)  # type: ignore[assignment]
        context = click.Context(command, info_name=name, parent=context)
    context.params = {}
    command.parse_args(context, words)
    return context


@pytest.mark.parametrize("operation", sorted(TWINS))
def test_each_line_is_one_that_the_program_takes(operation):
    """With its words in capitals filled in, every line of the table parses in the command tree."""
    told = line(operation, **(SAMPLES | ({"kind": "web"} if operation.startswith("web.") else {})))

    program, *words = shlex.split(told.replace("FILE:HUNK", "a.py:1"))
    assert program == "chorus-tui"
    parsed(words)


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.cli], ids=lambda one: one.word)
def test_the_palette_names_commands_that_exist(command):
    """What the prompt's table says of the command line parses, too."""
    words = [word for word in shlex.split(command.cli)[1:] if word != "--help"]
    # The table names the command, the help of it its parameters.
    with contextlib.suppress(click.MissingParameter):
        parsed(words)


def test_every_operation_that_is_named_exists():
    """A name is an operation of the contract, or one of the few things that a client does by itself with several."""
    own = {"tasks.artifacts", "tasks.diff", "tasks.transcript", "patches.apply", "ucxl.list", "decisions.list"}

    assert {name for name in TWINS if ".".join(name.split(".")[:2]) not in BY_NAME} <= own


def test_the_actions_of_every_screen_have_a_line():
    """A screen names an operation only where there is a line for it, and an action only that it has."""
    for place in PLACES.values():
        screen = lazily(*place)()
        for action, operation in screen.twins().items():
            assert operation in TWINS, (place, action)
            assert hasattr(screen, f"action_{action}"), (place, action)


def test_known_fields_are_filled_in_and_quoted():
    """Ids and words of a request stand in the line as a shell takes them; what is empty is left out."""
    spec = TaskSpec(title="Say 'hi'; rm -rf /", commands=["echo a", "echo b"])

    assert line("tasks.cancel", CancelTask(task_id=TASK)) == f"chorus-tui task cancel {TASK}"
    assert line("tasks.cancel", task_id=TASK) == f"chorus-tui task cancel {TASK} --reason TEXT"
    assert shlex.split(line("tasks.announce", AnnounceTask(spec=spec)))[3:9] == [
        "--title", spec.title, "--command", "echo a", "--command", "echo b",
    ]  # fmt: skip
    assert (
        line("decisions.vote", VoteDecision(decision_id=TASK, choice="approve"))
        == f"chorus-tui decide vote {TASK} approve"
    )


ROOM = {"issue_id": "shop", "message": "m"}
SAID = {
    "intent": "risk", "reasoning": "because", "citations": [{"address": "ucxl://x", "reason": "why"}], "to_roles": ["ops", "dev"],
    "restricted": True, "priority": "high",
}  # fmt: skip
WITH_EVERYTHING = [
    ("hmmm.send", hmmm.Say(**ROOM, thread_id="t1", **SAID)),
    ("hmmm.query", hmmm.Query(**ROOM, thread_id="t1", **SAID)),
    ("hmmm.propose", hmmm.Propose(**ROOM, thread_id="t1", **SAID, decide=True)),
    ("hmmm.reply", hmmm.Reply(msg_id="77c0", message="m", type="answer", **SAID)),
    ("ucxl.put", PutContent(address=SAMPLES["address"], data="", readers=["security"], tags=["a", "b"], description="d", media_type="text/x")),
    ("ucxl.put", PutContent(address=SAMPLES["address"], data="", mine=True)),
    ("decisions.propose", ProposeDecision(
        title="t", description="d", kind="policy", options=["x", "y"], threshold="unanimous", quorum="2/3", deadline="3d", to_roles=["ops"],
        eligible=["ana"], project_id="p", task_id=TASK, thread_id="t1", issue_id="shop",
    )),
    ("patches.create", CreatePatch(title="t", message="why", kind="docs", project_id="p", staged="a" * 32, supersedes="01A")),
    ("tasks.announce", AnnounceTask(callback_url="https://there/", spec=TaskSpec(
        title="t", description="d", project_id="p", priority="urgent", role="dev", expertise=["sql"], language="go", image="i",
        repository="https://example.com/r", goal="reach it", plan_first=True, kind="code", checks=["c"], deliver="bundle",
        budget=Budget(steps=3, tokens=1000, containers=5, depth=2), outputs=["*.txt"], limits=Limits(memory_mb=99, cpus=0.5, disk_mb=9),
        allowed_hosts=["example.com"], timeout_s=61, max_attempts=2, depends_on=[TASK], approval="always", approvals=2, approve_within_s=62,
    ))),
]  # fmt: skip
NOT_TOLD = {"data", "parents", "sibling", "fresh", "staged", "base", "output_mb", "log_mb", "pids", "env"}
"""Of one moment, of a file, or a secret."""


def said_in(request):
    """Every value of a request that is not what it would be by itself, as a word."""
    for name, field in type(request).model_fields.items():
        value = getattr(request, name)
        if name in NOT_TOLD or (not field.is_required() and value == field.get_default(call_default_factory=True)):
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, hmmm.Citation):
                yield name, f"{one.address}={one.reason}"
            elif hasattr(type(one), "model_fields"):
                yield from said_in(one)
            else:
                yield name, f"--{name.replace('_', '-')}" if one is True else str(one)


@pytest.mark.parametrize(("operation", "request_"), WITH_EVERYTHING)
def test_nothing_that_was_chosen_is_missing_from_the_line(operation, request_):
    """Readers, restrictions, approvals and all the rest: whoever uses the line again gets what was made, no less sealed and no less asked."""
    program, *words = shlex.split(
        line(operation, request_, **({} if operation.startswith("hmmm") else {"file": "/dev/null", "files": ["f"]}))
    )
    parsed(words)

    assert program == "chorus-tui"
    assert [(name, value) for name, value in said_in(request_) if value not in words] == []


def test_what_was_left_as_it_is_is_not_in_the_line():
    """A line of a few words stays one."""
    spec = TaskSpec(title="t", commands=["make"])

    assert line("tasks.announce", AnnounceTask(spec=spec)) == "chorus-tui task announce --title t --command make"
    assert line("hmmm.send", hmmm.Say(**ROOM)) == "chorus-tui hmmm send shop m"
    assert "(" not in "".join(line(operation) for operation in TWINS)


@pytest.mark.parametrize(("operation", "known"), [
    ("tasks.say", {"task_id": TASK, "text": "--help"}),
    ("decisions.vote", {"decision_id": TASK, "choice": "-1", "reason": "-x"}),
    ("patches.review", {"patch_id": TASK, "place": "a.py:1", "text": "--approve"}),
    ("patches.create", {"files": ["-a", "b"], "title": "--help", "kind": "code"}),
    ("hmmm.propose", {"issue_id": "-room", "message": "-", "thread_id": "--"}),
    ("ucxl.search", {"text": "--in", "pattern": SAMPLES["pattern"]}),
    ("inbox.answer", {"item_id": "vote:1", "choice": "-no", "text": "--help"}),
])  # fmt: skip
def test_words_that_look_like_options_are_words(operation, known):
    """What begins with a hyphen is neither an option nor help for the program; each of its values arrives as it is."""
    _program, *words = shlex.split(line(operation, **known))
    taken = str(list(parsed(words).params.values()))

    for value in known.values():
        for one in value if isinstance(value, list) else [value]:
            assert repr(one) in taken


@given(st.text(min_size=1, max_size=60))
def test_no_words_escape_their_place(text):
    """Whatever a field says, a shell reads it as that one word."""
    assert shlex.split(line("tasks.say", task_id=TASK, text=text))[-1] == text


def test_every_binding_has_a_name_and_tells_what_it_does():
    """Each key of the app and of the screens has an id, which a keymap can name, and a tooltip."""
    from chorus_tui.app import ChorusApp

    keys = everywhere(ChorusApp)

    assert len({key.name for key in keys}) == len(keys) > 60
    assert [key.name for key in keys if not key.help] == []


def test_no_binding_of_the_portal_is_left_out_of_the_help_and_of_keymaps():
    """Whatever class of a screen, a box or other furniture has a key: it is in the one list, by its id."""
    from chorus_tui import screens, widgets
    from chorus_tui.app import ChorusApp

    known = {key.name for key in everywhere(ChorusApp)}
    modules = [
        importlib.import_module(f"{room.__name__}.{one.name}")
        for room in (screens, widgets)
        for one in pkgutil.iter_modules(room.__path__)
    ]
    classes = {one for module in modules for one in vars(module).values() if inspect.isclass(one)}
    own = {one for one in classes if one.__module__.startswith("chorus_tui.")}
    ids = {binding.id for one in own for binding in vars(one).get("BINDINGS", ())}

    assert ids - known == set()
