"""Faults by field for a form, by field and number for a line of text."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.widgets.faults import by_place, faults


def test_one_of_a_list_is_told_by_its_number_where_there_is_no_box_for_it():
    """A form marks the box of the whole list; the command line says which of them it is. Both have the same words."""
    with pytest.raises(ValidationError) as caught:
        TaskSpec(title="t", commands=["true"], allowed_hosts=["a.example", "*.example"])

    assert list(by_place(caught.value)) == ["allowed_hosts[1]"]
    assert list(faults(caught.value)) == ["allowed_hosts"]
    assert list(by_place(caught.value).values()) == list(faults(caught.value).values())
