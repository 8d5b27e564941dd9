"""What `make test` runs: everything, once."""

from __future__ import annotations

import signal
import threading

import pytest

from scripts import suites


@pytest.mark.parametrize("cores", [1, 2, 16])
def test_every_file_with_tests_is_run_once(cores):
    """No file is left out or run twice, however many cores there are; a suite nobody has thought of is run as well."""
    files = [*suites.test_files(), "tests/new/test_new.py"]
    run = [path for lane in suites.lanes_of(files, cores) for chunk in lane.waiting for path in chunk.files]

    assert sorted(run) == sorted(files)


def test_a_lane_out_of_work_takes_what_another_has_not_begun(capfd, monkeypatch):
    """All chunks end, the table names each suite with its state, and of a red chunk the whole output is there."""
    monkeypatch.setattr(suites.Runner, "_command", lambda _self, chunk, _niceness: ["sh", "-c", chunk.files[0]])
    chunks = [suites.Chunk("good", f"good {at}", ["echo fine"]) for at in range(3)]
    bad = suites.Chunk("bad", "bad", ["echo first; echo last; exit 3"])
    suites.Runner([suites.Lane([*chunks, bad]), suites.Lane()]).run()
    told = capfd.readouterr().out

    assert [chunk.code for chunk in (*chunks, bad)] == [0, 0, 0, 3]
    assert told.count("✓ good") == 3
    assert "first\nlast" in told
    assert [line.split()[-1] for line in suites.table([*chunks, bad], 1.0)] == ["core", "green", "(3)", "s"]


def test_what_is_interrupted_is_not_called_red(capfd, monkeypatch):
    """Who presses Ctrl-C is told what did not run to its end, without the output of tests that were stopped halfway."""
    monkeypatch.setattr(suites.Runner, "_command", lambda _self, chunk, _niceness: ["sh", "-c", chunk.files[0]])
    chunks = [
        suites.Chunk("first", "first", ["echo halfway; exec sleep 60"]),
        suites.Chunk("second", "second", ["true"]),
    ]
    runner = suites.Runner([suites.Lane(list(chunks))])
    # As main has it: of a test run in the background the shell has made all that it starts deaf to Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    waiting = threading.Thread(target=runner.run)
    waiting.start()
    while not runner._running:
        threading.Event().wait(0.01)
    runner.end()
    waiting.join()
    signal.signal(signal.SIGINT, before)

    assert capfd.readouterr().out == "• first: interrupted\n"
    assert [chunk.code for chunk in chunks] == [None, None]
    assert [line.split("s  ")[-1] for line in suites.table(chunks, 1.0)[1:3]] == ["not run to its end"] * 2
