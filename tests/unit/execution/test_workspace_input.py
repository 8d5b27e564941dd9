"""A repository on its way into a sandbox: nothing of this machine goes along, whatever the folder holds or becomes."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.execution.errors import InputUnusable
from chorus_tui.engine.execution.workspace_input import climbs_out, file_names, tar_pieces, tar_stream


def members(data: bytes) -> dict[str, tarfile.TarInfo]:
    """What the archive holds."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {member.name: member for member in tar.getmembers()}


def test_links_travel_as_links_and_those_that_climb_out_stay_behind(tmp_path):
    """A link within and an absolute one are kept as they are, never followed; one that leads out is not sent."""
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (tmp_path / "secret").write_text("of the host")
    for name, target in {
        "in": "a",
        "a/up": "../in",
        "abs": str(tmp_path / "secret"),
        "out": "../secret",
        "a/out": "../../x",
    }.items():
        (root / name).symlink_to(target)

    got = members(b"".join(tar_pieces(root)))

    assert {name for name, member in got.items() if member.issym()} == {"in", "a/up", "abs"}
    assert b"of the host" not in b"".join(tar_pieces(root))


def test_owner_times_and_special_bits_stay_behind(tmp_path):
    """Only whether a file may be executed is told."""
    (tmp_path / "x").write_text("x")
    (tmp_path / "x").chmod(0o6755)
    member = members(b"".join(tar_pieces(tmp_path)))["x"]

    assert (member.mode, member.uid, member.gid, member.mtime, member.uname) == (0o755, 0, 0, 0, "")


async def test_a_file_swapped_for_a_link_after_the_look_is_not_followed(tmp_path):
    """Between a file's header and its content it becomes a link to a secret: an error, and not a byte of the secret."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "a").write_text("x" * 11)
    (tmp_path / "secret").write_text("of the host")
    pieces = tar_pieces(root)
    header = next(pieces)
    (root / "a").unlink()
    (root / "a").symlink_to(tmp_path / "secret")

    with pytest.raises(OSError, match="symbolic"):
        list(pieces)
    assert b"of the host" not in header


async def test_a_folder_that_goes_away_is_an_error_in_words(tmp_path):
    """What happens to the folder while it is read is the input's trouble, not the engine's end."""
    with pytest.raises(InputUnusable, match="changed while it was read"):
        await anext(tar_stream(tmp_path / "none"))


parts = st.lists(st.sampled_from(["a", "b", ".."]), min_size=1, max_size=6).map("/".join)


@given(st.lists(st.sampled_from(["a", "b"]), max_size=4), parts)
def test_a_link_climbs_out_when_walking_it_does(folders, target):
    """Walked step by step, it ever ends above the root or not: the same answer as the rule's."""
    depth: list[str] = [*folders]
    out = 0
    for step in target.split("/"):
        if step != "..":
            depth.append(step)
        elif depth:
            depth.pop()
        else:
            out += 1

    assert climbs_out("/".join([*folders, "link"]), target) == (out > 0)


def test_names_leave_out_vendored_and_hidden_folders(tmp_path):
    """What a repository is written in is told by its own files; those near the top come first."""
    for name in ("src/deep/x.py", "node_modules/y.js", ".git/z.c", "top.rs"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    assert file_names(tmp_path) == ["top.rs", "src/deep/x.py"]
