"""Files are looked through, archives in them too; bombs are told as such and cost what is allowed."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import lzma
import tarfile
import zipfile

import pytest

from chorus_tui.engine.shhh import archives
from chorus_tui.engine.shhh.redactor import Redactor

SECRET = b"token = ghp_" + b"a1B2" * 9


def tarred(files):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return made.getvalue()


def zipped(files):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


def look(data):
    return archives.Inspector(Redactor().find, len(data)).whole(io.BytesIO(data))


@pytest.mark.parametrize(("data", "where"), [
    (SECRET, "@"), (gzip.compress(SECRET), "@"), (tarred({"a/b.env": SECRET}), "a/b.env@"), (zipped({"c.txt": SECRET}), "c.txt@"), (bz2.compress(SECRET), "@"),
    (gzip.compress(tarred({"a/b.env": SECRET})), "a/b.env@"), (zipped({"inner.tar.gz": gzip.compress(tarred({"x": SECRET}))}), ""),
])  # fmt: skip
def test_a_secret_is_found_wherever_it_is_packed(data, where):
    """Plain, in tar, gzip, zip, and three deep; told with its path inside."""
    seen = look(data)

    assert "github-token" in {place.rule for place in seen.places}
    assert any(where in place.where for place in seen.places)


@pytest.mark.parametrize(
    "place", [0, archives.PIECE - 20, archives.PIECE, 2 * archives.PIECE - archives.OVERLAP - 10, 2 * archives.PIECE]
)
def test_a_secret_across_two_pieces_is_found_once(place):
    """Wherever a large file is cut."""
    data = bytearray(b"x" * (2 * archives.PIECE + 100))
    data[place : place + len(SECRET) + 2] = b" " + SECRET + b" "
    seen = look(bytes(data))

    assert [one.rule for one in seen.places] == ["github-token"]


FOLDER_WITH_BYTES = zipped({"keys/": SECRET})
ALONE = lzma.compress(SECRET, format=lzma.FORMAT_ALONE)
AR = b"!<arch>\ndata.tar.xz     0           0     0     100644  4         `\nabcd"


@pytest.mark.parametrize(("data", "where"), [
    (b"#!/usr/bin/env python3\n" + zipped({"__main__.py": SECRET}), "__main__.py@"), (b"x" * 200_000 + zipped({"a": SECRET}), "a@"),
    (zipped({"a": SECRET}) + b"after", "a@"), (gzip.compress(b"#!/bin/sh\n" + zipped({"a": SECRET})), "a@"),
    (bz2.compress(b"first") + zipped({"a": SECRET}), "a@"), (FOLDER_WITH_BYTES, "keys/@"),
])  # fmt: skip
def test_a_zip_is_found_by_its_end_and_each_member_that_has_bytes(data, where):
    """After a first line, after a program, after another archive; and what is named as a folder."""
    assert [where in place.where for place in look(data).places if place.rule == "github-token"] == [True]


@pytest.mark.parametrize("dictionary", [1 << 12, 3 << 15, 1 << 23])
@pytest.mark.parametrize("known", [True, False])
def test_lzma_without_a_container_is_not_called_clean(dictionary, known):
    """Whatever its dictionary, with its size in the header or without."""
    data = lzma.compress(SECRET, format=lzma.FORMAT_ALONE, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": dictionary}])
    if known:
        data = data[:5] + len(SECRET).to_bytes(8, "little") + data[13:]
    assert "lzma" in look(data).cut


@pytest.mark.parametrize("data", [
    b"BZh is how a bzip2 file begins\n", b"BZh9, they said", b"PK is a name", b"code with PK\x05\x06 in it" + b"x" * 40, b"\0" * 600,
    b"]\0\0 text", b"!<arch> is how a library begins", bz2.compress(b""), zipped({"folder/": b""}),
])  # fmt: skip
def test_what_only_resembles_an_archive_is_not_held(data):
    """A text about one, a program that holds its mark, zeros; empty ones."""
    assert (look(data).cut, look(data).places) == ("", [])


def test_a_bomb_is_told_and_not_unpacked():
    """Thirty-two megabytes of nothing in a few kilobytes, also as a zip and inside another."""
    bomb = gzip.compress(b"\0" * (32 << 20))
    for data in (bomb, zipped({"a": b"\0" * (32 << 20)}), tarred({"a.gz": bomb})):
        assert look(data).bomb


@pytest.mark.parametrize(("data", "why"), [
    (gzip.compress(SECRET * 100)[:60], "damaged"),
    (b"PK\x03\x04" + b"x" * 100, "damaged"),
    (lzma.compress(SECRET), "xz"), (ALONE, "lzma"), (AR, "ar"), (tarred({"x": AR}), "ar"), (b"BZh91AY&SY" + b"x" * 40, "damaged"),
    (gzip.compress(tarred({"x": lzma.compress(SECRET)})), "xz"),
    (zipped({"a": zipped({"b": zipped({"c": zipped({"d": SECRET})})})}), "3 deep"),
    (tarred({f"f{number}": b"" for number in range(12)}), "10 members"),
])  # fmt: skip
def test_what_could_not_be_looked_at_is_said(data, why, monkeypatch):
    """Damaged, of another kind, too deep, too many: nothing is raised for what a stranger packed, and nothing is called clean."""
    monkeypatch.setattr(archives, "MEMBERS", 10)
    assert why in look(data).cut


@pytest.mark.parametrize(
    "data", [zipped({}), zipped({"a": zipped({"b": zipped({"c": b"plain"})})}), bz2.compress(b"plain"), b"plain"]
)
def test_what_was_looked_at_whole_is_not_called_cut(data):
    """An empty archive, three in each other, and a text."""
    assert (look(data).cut, look(data).places, look(data).bomb) == ("", [], False)


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, lambda data: zipped({"a": data}), lambda data: tarred({"a": data})]
)
def test_what_takes_too_long_is_told_and_left(pack):
    """Wherever the time goes; the next piece is not begun."""
    times, found = itertools.count(0, archives.LONGEST_S * 0.6), []
    data = pack(b"-" * (5 << 20))
    seen = archives.Inspector(lambda piece: found.append(piece) or [], 1, lambda: float(next(times))).whole(
        io.BytesIO(data)
    )

    assert seen.cut == "it takes too long"
    assert len(found) <= 2


def test_a_large_file_has_time_for_its_size():
    """A second for each so many bytes that it has itself."""
    times = itertools.count(0, 5)
    size = 40 * archives.SLOWEST
    data = io.BytesIO(b" " * (5 << 20))

    assert not archives.Inspector(lambda _piece: [], size, lambda: float(next(times))).whole(data).cut


def test_a_table_of_members_is_not_read_when_it_is_too_large(monkeypatch):
    """Forty thousand empty members: what a zip says of them would be many times as large in memory."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number in range(40_000):
            archive.writestr(zipfile.ZipInfo(str(number)), b"")
    entries = []
    plain = zipfile.ZipInfo
    monkeypatch.setattr(zipfile, "ZipInfo", lambda *args, **named: entries.append(1) or plain(*args, **named))
    seen = archives.Inspector(lambda _piece: [], len(made.getvalue())).whole(io.BytesIO(made.getvalue()))

    assert seen.cut
    assert len(entries) <= archives.TABLE // 46


@pytest.mark.parametrize("before", [0, 1, 12, 13, 40, 300])
@pytest.mark.parametrize("text", [b"DB_PASSWORD=" + b"hunter2a" * 3, b"curl -s -u grace:" + b"hunter2a" * 3, SECRET])
def test_what_gives_a_secret_away_may_stand_before_the_edge_of_a_piece(text, before):
    """Wherever the next piece begins in it, it is told, and told once."""
    data = bytearray(b"x" * (2 * archives.PIECE + 100))
    place = archives.PIECE - archives.OVERLAP - before
    data[place - 1 : place + len(text) + 1] = b"\n" + text + b"\n"
    seen = look(bytes(data))

    assert len(seen.places) == 1


def test_many_secrets_in_one_place_are_told_once_each():
    """Also those that two pieces have, however many stand there."""
    lines = [f"password=hunter{number:08}\n".encode() for number in range(60)]
    data = bytearray(b"x" * (2 * archives.PIECE + 100))
    place = archives.PIECE - archives.OVERLAP
    data[place - 1 : place + sum(map(len, lines))] = b"\n" + b"".join(lines)
    seen = look(bytes(data))

    assert len(seen.places) == len({place.where for place in seen.places}) == 60
