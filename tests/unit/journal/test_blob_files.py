"""Blobs on disk: what is believed, and what a crash leaves."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chorus_tui.engine.journal.blobs.files import ABANDONED_S, BlobFiles
from chorus_tui.engine.journal.interface import BlobMissing

CRASHING = """
import sys
from pathlib import Path
from chorus_tui.engine.journal.blobs.files import BlobFiles
files = BlobFiles(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    kept = files.keep([bytes([number % 256]) * 70_000 for _ in range(8)])
    part = files.partial("sha256:" + "0" * 64)
    part.write(b"x" * 100_000)
    part.close()
    if number % 3 == 0:
        files.remove(kept.digest)
    print(number, flush=True)
"""


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("after", [1, 2, 3, 5, 8])
def test_a_killed_process_leaves_no_half_blob(tmp_path: Path, after: int) -> None:
    """After ``kill -9`` in the middle of writing and letting go, every blob that has its name has its bytes."""
    with subprocess.Popen(
        [sys.executable, "-c", CRASHING, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < after:
            pass
        process.send_signal(signal.SIGKILL)
    files = BlobFiles(tmp_path)
    files.clean(0.0)

    held = files.listing()
    assert held
    assert all(files.sound(blob.digest) for blob in held)
    assert {file.name for file in (tmp_path / "partial").iterdir()} <= {"0" * 64}


def test_what_changed_on_the_disk_is_not_held(tmp_path: Path) -> None:
    """A file whose bytes are not those of its name is found out when it is read, and is gone then."""
    files = BlobFiles(tmp_path)
    kept = files.keep([b"good"])
    files.path(kept.digest).write_bytes(b"bad!")

    assert not files.sound(kept.digest)
    assert not files.has(kept.digest)


def test_a_partial_file_is_hashed_anew_by_the_next_life(tmp_path: Path) -> None:
    """A download goes on from what came before, and gets its name only when all of it is right."""
    data = b"a" * 300_000 + b"b" * 300_000
    first = BlobFiles(tmp_path).partial(digest(data))
    first.write(data[:400_000])
    first.close()
    files = BlobFiles(tmp_path)
    second = files.partial(digest(data))

    assert second.size == 400_000
    assert not files.has(digest(data))
    second.write(data[400_000:])
    assert second.finish()
    second.close()
    assert files.path(digest(data)).read_bytes() == data


def test_wrong_bytes_get_no_name(tmp_path: Path) -> None:
    """A download whose bytes are wrong begins again from nothing, and can still become right."""
    files = BlobFiles(tmp_path)
    part = files.partial(digest(b"right"))
    part.write(b"wrong")

    assert not part.finish()
    assert part.size == 0
    part.write(b"right")
    assert part.finish()
    part.close()
    assert files.sound(digest(b"right"))


def test_only_abandoned_downloads_are_thrown_away(tmp_path: Path) -> None:
    """A download of the last day is kept for going on; an older one and a half-written own file are not."""
    files = BlobFiles(tmp_path)
    part = files.partial("sha256:" + "1" * 64)
    part.close()
    (tmp_path / "partial" / "new-xyz").write_bytes(b"half")
    now = (tmp_path / "partial" / ("1" * 64)).stat().st_mtime

    assert files.clean(now + 1) == 1
    assert files.clean(now + ABANDONED_S + 1) == 1


def test_pins_outlive_a_restart(tmp_path: Path) -> None:
    """A pin by hand is on disk when it is confirmed."""
    kept = BlobFiles(tmp_path).keep([b"x"])
    BlobFiles(tmp_path).pin(kept.digest, wanted=True)

    assert BlobFiles(tmp_path).pinned() == {kept.digest}
    BlobFiles(tmp_path).pin(kept.digest, wanted=False)
    assert BlobFiles(tmp_path).pinned() == set()


@pytest.mark.parametrize(
    "name", ["", "sha256:", "sha256:" + "A" * 64, "sha256:../../etc/passwd", "md5:" + "a" * 64, "a" * 64]
)
def test_what_is_no_digest_names_no_file(tmp_path: Path, name: str) -> None:
    """Only 64 hex digits after ``sha256:`` lead to a path."""
    with pytest.raises(BlobMissing):
        BlobFiles(tmp_path).path(name)
