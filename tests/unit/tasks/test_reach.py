"""Who may name which repository of the engine's machine."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import BaseModel

from chorus_tui.contract.operations import OPERATIONS
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.tasks import reach

OWNER = SimpleNamespace(owner=True, folder="")


def with_token(folder: object = "") -> SimpleNamespace:
    return SimpleNamespace(owner=False, folder=str(folder))


@pytest.fixture
def given(tmp_path) -> Path:
    """A folder that goes with a token: a repository in it, one beside it, and ways from one to the other."""
    for name in ("given/shop", "beside", "given-too"):
        (tmp_path / name / ".git").mkdir(parents=True)
    given = tmp_path / "given"
    (given / "plain").mkdir()
    (given / "out").symlink_to(tmp_path / "beside")
    (given / "linked").mkdir()
    (given / "linked" / ".git").symlink_to(tmp_path / "beside" / ".git")
    (given / "pointing").mkdir()
    (given / "pointing" / ".git").write_text(f"gitdir: {tmp_path / 'beside' / '.git'}\n")
    return given


@pytest.mark.parametrize(
    "caller", [with_token(), None, SimpleNamespace(person="ana")], ids=["token", "nobody", "unknown"]
)
def test_without_a_folder_every_path_gives_the_same_refusal(given, caller):
    """A token without a folder, and whoever is not known, names nothing; no refusal tells what there is."""
    said = set()
    for named in (given / "shop", given / "nothing", Path("/etc"), Path("/nowhere")):
        with pytest.raises(Problem) as caught:
            reach.repository(str(named), caller)
        said.add(str(caught.value))

    assert len(said) == 1
    assert caught.value.status == 403


def test_a_token_names_repositories_of_its_folder_alone(given):
    """Those in it, by any spelling; none beside it, of a like name, above it, or behind a link or a file that points out of it."""
    caller = with_token(given)

    assert reach.repository(str(given / "plain" / ".." / "shop"), caller) == given / "shop"
    out = [
        "../beside",
        "../given-too",
        "..",
        "out",
        "linked",
        "pointing",
        "plain",
        "nothing",
        "shop/.git",
        "",
        "shop\0",
    ]
    for named in out:
        with pytest.raises(Problem, match="Only repositories in"):
            reach.repository(f"{given}/{named}", caller)


def test_the_owner_names_any_path(given):
    """Whoever owns the engine can read these files without it."""
    assert reach.repository(str(given / "out"), OWNER) == given / "out"


def test_a_folder_is_given_by_its_owner_or_out_of_ones_own(given):
    """A token with a folder can make one for part of it; one without gives nothing, and nobody gives what is no folder."""
    assert reach.folder(str(given / "out"), OWNER) == str(given.parent / "beside")
    assert reach.folder(str(given / "shop"), with_token(given)) == str(given / "shop")
    assert reach.folder("", with_token()) == ""
    for named, caller, status in [
        (given, with_token(), 403), (given.parent, with_token(given), 403), (given / "out", with_token(given), 403),
        (given, None, 403), (given / "nothing", OWNER, 422), ("shop", OWNER, 422),
    ]:  # fmt: skip
        with pytest.raises(Problem) as caught:
            reach.folder(str(named), caller)
        assert (str(named), caught.value.status) == (str(named), status)


NO_FILES = {"patches.applied", "patches.create", "slurp.context", "slurp.feedback", "tasks.submit"}
"""Operations with a field of such a name that is a word of the mesh: the engine opens no file by it."""


def named_like_paths(model: type[BaseModel], seen: frozenset[type[BaseModel]] = frozenset()) -> set[str]:
    """Fields of a request, and of what it is made of, that read as if they named something on a disk."""
    found = set()
    for name, field in model.model_fields.items():
        if any(word in name for word in ("path", "folder", "file", "dir", "repository", "root")):
            found.add(name)
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel) and inner not in seen:
            found |= named_like_paths(inner, seen | {model})
    return found


def test_no_other_operation_names_a_path():
    """Two requests name a path of the engine's machine, and both are asked for here; one that is added has to be looked at."""
    named = {operation.name for operation in OPERATIONS if named_like_paths(operation.request_model())}

    assert named - NO_FILES == {"tasks.announce", "tokens.new"}
