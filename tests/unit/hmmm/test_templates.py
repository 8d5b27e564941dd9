"""Templates: checked before they are offered, kept whole."""

from __future__ import annotations

import pytest

from chorus_tui.contract.models.hmmm import Template
from chorus_tui.engine.hmmm import templates


def test_what_was_kept_is_offered(tmp_path):
    """Whole, under its name; a folder that is missing is made; one of the same name is replaced."""
    folder = tmp_path / "of" / "mine"
    templates.save(str(folder), Template(name="risk", kind="query", message="What could go wrong?"))
    templates.save(str(folder), Template(name="risk", kind="query", message="What else?"))

    found = templates.load(str(folder))
    assert [(one.name, one.message) for one in found.templates] == [("risk", "What else?")]
    assert [path.name for path in folder.iterdir()] == ["risk.json"]


def test_a_file_that_is_no_template_is_told_with_its_fault_and_hides_no_other(tmp_path):
    """Broken JSON, an unknown field, another name, a file that is too large."""
    templates.save(str(tmp_path), Template(name="good", message="words"))
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "extra.json").write_text('{"name": "extra", "colour": "red"}')
    (tmp_path / "other.json").write_text('{"name": "another"}')
    (tmp_path / "large.json").write_text(" " * (templates.LARGEST + 1))
    (tmp_path / "notes.txt").write_text("no template, and not looked at")

    found = templates.load(str(tmp_path))
    assert [one.name for one in found.templates] == ["good"]
    assert set(found.faults) == {"broken.json", "extra.json", "other.json", "large.json"}
    assert "colour" in found.faults["extra.json"]
    assert "another" in found.faults["other.json"]


def test_no_folder_is_said_with_the_way_out(tmp_path):
    """Loading gives nothing; saving names the variable; a folder that cannot be read is told."""
    assert templates.load("").templates == []
    assert "CHORUS_TEMPLATES_DIR" in next(iter(templates.load(str(tmp_path / "missing")).faults.values()))
    with pytest.raises(templates.NoFolder, match="CHORUS_TEMPLATES_DIR"):
        templates.save("", Template(name="x"))
    (tmp_path / "file").write_text("")
    with pytest.raises(templates.NoFolder, match="CHORUS_TEMPLATES_DIR"):
        templates.save(str(tmp_path / "file"), Template(name="x"))
