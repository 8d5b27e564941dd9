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
from chorus_tui.contract.models.decisions import VoteDecision
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.contract.models.tasks import AnnounceTask, CancelTask
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
