"""A text in archives that lie in each other: a tar of many files, in a gzip, in a zip."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

MEMBERS = 400
SECRET = "password = 'a1B2c3D4e5F6g7H8'"


def nested(text: str) -> bytes:
    """``text`` as MEMBERS files, one of which holds a secret."""
    piece = len(text) // MEMBERS
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as made:
        for number in range(MEMBERS):
            content = text[number * piece : (number + 1) * piece] + ("\n" + SECRET) * (number == MEMBERS // 2)
            data = content.encode()
            info = tarfile.TarInfo(f"part-{number}.txt")
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("inner.tar.gz", gzip.compress(tar.getvalue(), 6))
    return outer.getvalue()
