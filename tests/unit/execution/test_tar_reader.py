"""Archives, honest and hostile."""

from __future__ import annotations

import hashlib
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.execution.collect import MOST_FILES, Collector, artifact_path, collect
from chorus_tui.engine.execution.tar_reader import Data, HostileTar, Member, MemberEnd, TarReader

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=150).filter(
    lambda name: name not in {".", ".."}
)


def archive(files: list[tuple[str, bytes]], fmt: int = tarfile.GNU_FORMAT) -> bytes:
    """An honest archive."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=fmt) as tar:
        for name, data in files:
            header = tarfile.TarInfo(name)
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
    return made.getvalue()


def read(data: bytes, step: int) -> list[tuple[str | None, bytes]]:
    """Names and contents, fed in pieces."""
    reader, found = TarReader(), []
    for at in range(0, len(data), step):
        for event in reader.feed(data[at : at + step]):
            if isinstance(event, Member):
                found.append((event.name, b""))
            elif isinstance(event, Data):
                found[-1] = (found[-1][0], found[-1][1] + event.piece)
            else:
                assert isinstance(event, MemberEnd)
    return found


@given(
    st.lists(st.tuples(NAMES, st.binary(max_size=1500)), max_size=5),
    st.integers(1, 3000),
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_what_tar_writes_is_read_back_in_any_pieces(files, step, fmt):
    """GNU and pax, long names, any cut of the stream: the same names and bytes."""
    assert read(archive(files, fmt), step) == files


@given(st.binary(max_size=3000), st.integers(1, 700))
def test_noise_is_refused_or_harmless(noise, step):
    """No bytes bring the reader to any error but its own, nor make it hold more than it was given."""
    try:
        read(noise, step)
    except HostileTar:
        return


@given(st.data())
def test_a_damaged_archive_raises_nothing_else(data):
    """One byte changed anywhere: read, or refused as hostile."""
    whole = bytearray(archive([("a", b"x" * 600), ("b" * 120, b"y")], tarfile.PAX_FORMAT))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        read(bytes(whole), 512)
    except HostileTar:
        return


def header(kind: bytes, size: int = 0, name: str = "x", linkname: str = "") -> bytes:
    """A member of any kind."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, linkname
    made.size = size
    return made.tobuf(tarfile.GNU_FORMAT)


END = bytes(1024)


class Kept:
    """A blob store in memory."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    async def put(self, path):
        data = path.read_bytes()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return digest, len(data)


async def gather(data: bytes, folder, patterns: list[str] | None = None, limit_mb: int = 1, most: int = 1 << 22):
    """Collect ``data`` as a sandbox's answer."""

    async def stream():
        yield data

    collector = Collector(folder, patterns or [], limit_mb, Kept().put)
    collector.whole = await collect(stream(), collector, most)
    return collector


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (archive([("../../etc/passwd", b"x")]), "'..'"),
        (archive([("/etc/passwd", b"x")]), "absolute"),
        (header(tarfile.SYMTYPE, linkname="/etc") + archive([("ok", b"x")]), "no regular file"),
        (header(tarfile.LNKTYPE, linkname="/etc/passwd") + END, "no regular file"),
        (header(tarfile.CHRTYPE) + END, "no regular file"),
        (header(tarfile.FIFOTYPE) + END, "no regular file"),
        (archive([("a", b"1"), ("./a", b"2")]), "second file of the same name"),
        (archive([("a\nb", b"1")]), "control characters"),
        (archive([("sub/.git/config", b"1")]), "git's own folder"),
        (archive([(".GIT /hooks/x", b"1")]), "git's own folder"),
        (archive([("n" * 300, b"1")]), "too long"),
        (archive([("big", bytes(2 << 20))]), "more than 1 MiB"),
        (header(tarfile.GNUTYPE_LONGNAME, 1 << 30) + END, "longer than 64 KiB"),
        (header(tarfile.GNUTYPE_SPARSE) + END, "no regular file"),
        (header(tarfile.REGTYPE, 1 << 40) + bytes(5 << 20), "more than 1 MiB"),
        (archive([(f"{n}", b"") for n in range(MOST_FILES + 3)]), f"3 left out: more than {MOST_FILES}"),
    ],
)
async def test_each_trick_is_left_out_and_said(data, words, tmp_path):
    """Nothing is written but under numbers in the private folder, and nothing stays there."""
    collector = await gather(data, tmp_path)

    assert words in collector.left_out
    assert list(tmp_path.iterdir()) == []
    assert all(".." not in a.path and not a.path.startswith("/") for a in collector.artifacts)


async def test_after_a_refused_member_the_next_is_still_had(tmp_path):
    """One bad name does not cost the good ones."""
    collector = await gather(archive([("../x", b"bad" * 1000), ("good", b"fine")]), tmp_path)

    assert collector.whole
    assert [(a.path, a.size, a.sha256) for a in collector.artifacts] == [
        ("good", 4, hashlib.sha256(b"fine").hexdigest())
    ]


async def test_a_torn_archive_gives_what_was_whole(tmp_path):
    """The complete file is kept, the torn one is not."""
    whole = archive([("first", b"1" * 10), ("second", b"2" * 2000)])
    collector = await gather(whole[:2100], tmp_path)

    assert [a.path for a in collector.artifacts] == ["first"]
    assert not collector.complete and not collector.whole


@given(st.text(max_size=60))
def test_a_path_is_clean_or_refused(name):
    """Relative, without '..', printable, idempotent."""
    try:
        path = artifact_path(name)
    except ValueError:
        return

    assert path.isprintable()
    assert not path.startswith("/")
    assert ".." not in path.split("/")
    assert artifact_path(path) == path
