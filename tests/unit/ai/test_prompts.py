"""Prompts: presets, files that replace them, and faults that name their place."""

from __future__ import annotations

import pytest

from chorus_tui.engine.ai.configuration import for_role
from chorus_tui.engine.ai.prompts import PromptError, load_prompts
from chorus_tui.engine.settings import load

ROLE = """
roles:
  reviewer:
    name: Mine
    description: reads
    tags: [a, b]
    system_prompt: |
      First line.
      Second line.
    defaults: {models: [m], capabilities: [c], expertise: [e], max_tasks: 1}
  poet: {name: Poet, system_prompt: Write.}
"""


def test_the_presets_are_whole():
    """Five roles, each with all it should have, and instructions for all."""
    prompts = load_prompts()

    assert set(prompts.roles) == {"developer", "reviewer", "debugger", "devops", "tester"}
    for role in prompts.roles.values():
        assert role.name and role.description and role.tags and len(role.system_prompt) > 200
        assert role.defaults.capabilities and role.defaults.expertise
    assert "Never make up" in prompts.instructions


def test_a_system_prompt_is_the_role_an_empty_line_and_the_instructions(tmp_path):
    """In that form exactly; a role nobody described is a general agent."""
    file = tmp_path / "instructions.md"
    file.write_text("Be brief.\n")
    prompts = load_prompts("", str(file))

    assert prompts.system("Developer") == f"{prompts.roles['developer'].system_prompt.strip()}\n\nBe brief."
    assert prompts.system("nobody-knows").endswith("show that it is done.\n\nBe brief.")


def test_later_files_replace_roles_as_a_whole(tmp_path):
    """By name of the file; what a later one leaves out is not taken from the one before."""
    (tmp_path / "10.yaml").write_text(ROLE)
    (tmp_path / "20.yml").write_text("roles: {poet: {name: Another, system_prompt: Sing.}}")
    (tmp_path / "notes.txt").write_text("not a role file")
    roles = load_prompts(str(tmp_path)).roles

    assert (roles["reviewer"].name, roles["reviewer"].defaults.models) == ("Mine", ("m",))
    assert (roles["poet"].name, roles["poet"].system_prompt) == ("Another", "Sing.")
    assert roles["developer"].name == "Developer"


def test_prompts_are_read_at_start_only(tmp_path):
    """What was loaded stays, whatever happens to the files."""
    file = tmp_path / "a.yaml"
    file.write_text(ROLE)
    prompts = load_prompts(str(tmp_path))
    before = prompts.system("poet")
    file.write_text("roles: {poet: {name: X, system_prompt: Else.}}")

    assert prompts.system("poet") == before


def test_a_role_fills_what_the_environment_does_not_say(tmp_path):
    """Its expertise, its number of tasks, the models of all roles; each variable that is set counts before it."""
    (tmp_path / "a.yaml").write_text(ROLE)
    prompts = load_prompts(str(tmp_path))
    chain = {"CHORUS_AI_PROVIDER": "ollama", "OLLAMA_MODEL": "small", "CHORUS_AGENT_ROLE": "Reviewer"}
    filled = for_role(load(chain, "agent"), prompts)
    said = {"CHORUS_AGENT_EXPERTISE": "x", "CHORUS_AGENT_MAX_TASKS": "3", "CHORUS_MODELS": '{"Reviewer": "other"}'}
    own = for_role(load({**chain, **said}, "agent"), prompts)

    assert (filled.expertise, filled.max_tasks, filled.models) == (("e",), 1, {"reviewer": "m"})
    assert (own.expertise, own.max_tasks, own.models) == (("x",), 3, {"reviewer": "other"})
    plain = load({"CHORUS_AGENT_ROLE": "nobody"}, "agent")
    assert for_role(plain, load_prompts()) == plain


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("roles: [", "a.yaml: no YAML"),
        ("rules: {}", "a.yaml: one top key is expected, 'roles'"),
        ("roles: {x: {name: X}}", "a.yaml: roles.x.system_prompt: Field required"),
        ("roles: {x: {name: X, system_prompt: s, mood: good}}", "a.yaml: roles.x.mood: Extra"),
        ("roles: {x: {name: X, system_prompt: s, defaults: {max_tasks: many}}}", "a.yaml: roles.x.defaults.max_tasks: "),
        ("roles: {No Name: {name: X, system_prompt: s}}", "a.yaml: roles.No Name.id: "),
        ("roles: {x: 3}", "a.yaml: roles.x: "),
        ("roles: {x: {name: X, name: Y, system_prompt: s}}", "'name' is there twice"),
        ("roles: &r {x: {name: X, system_prompt: s}, y: *r}", "aliases are not allowed"),
        ("roles: !!python/object/apply:os.getcwd []", "a.yaml: no YAML"),
        ("[" * 5000, "a.yaml: no YAML"),
        ("\udcff", "a.yaml: no UTF-8 text"),
        ("#" * ((1 << 20) + 1), "a.yaml: larger than 1 MiB"),
    ],
)  # fmt: skip
def test_a_fault_names_file_and_field(tmp_path, text, said):
    """And nothing of a file with a fault is used, nor does it end the process."""
    (tmp_path / "a.yaml").write_text(text, errors="surrogateescape")
    (tmp_path / "b.yaml").write_text("roles: 1")
    with pytest.raises(PromptError) as caught:
        load_prompts(str(tmp_path))

    assert said in str(caught.value)
    assert len(caught.value.problems) == 2, "all faults at once"


def test_what_is_not_there_is_told_by_its_variable(tmp_path):
    """Both at once."""
    with pytest.raises(PromptError) as caught:
        load_prompts(str(tmp_path / "no"), str(tmp_path / "neither"))

    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "CHORUS_PROMPTS_DIR",
        "CHORUS_DEFAULT_INSTRUCTIONS_PATH",
    ]
