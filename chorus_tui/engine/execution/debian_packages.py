"""Debian packages as one root file system, without root, chroot or maintainer scripts: enough for interpreters.

Packages and all they depend on are only downloaded (apt is told that nothing is installed), their files merged into a
single tar stream whose bytes depend on the packages alone: sorted, owned by root, dated 0, without setuid bits.
"""

from __future__ import annotations

import io
import shutil
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from chorus_tui.engine.execution.errors import BuildRefused
from chorus_tui.engine.shhh.cutting import beginning

_MERGED = {folder: f"usr/{folder}" for folder in ("bin", "sbin", "lib", "lib64")}
_FOLDERS = ("dev", "etc", "home", "home/agent", "proc", "root", "sys", "tmp", "usr", "var", "var/tmp", "workspace")
_LEFT_OUT = ("usr/share/doc/", "usr/share/man/", "usr/share/locale/", "usr/share/info/", "usr/share/lintian/")
_BUSYBOX = "usr/bin/busybox"
_USERS = (
    "root:x:0:0:root:/root:/bin/sh\nagent:x:10001:10001::/home/agent:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/bin/sh\n"
)
_GROUPS = "root:x:0:\nagent:x:10001:\nnogroup:x:65534:\n"


@dataclass(slots=True)
class Entry:
    """One path of the image: its header and, for a file, where its bytes lie in the spool."""

    header: tarfile.TarInfo
    offset: int = 0


@dataclass(slots=True)
class RootFs:
    """The merged tree. File contents lie one after the other in ``spool``."""

    spool: BinaryIO
    entries: dict[str, Entry] = field(default_factory=dict)

    def add(self, header: tarfile.TarInfo, content: BinaryIO | None = None) -> None:
        """Put an entry in, over an earlier one; folders stay what they are."""
        name = _merged(header.name)
        if not name or name.startswith(_LEFT_OUT) or (header.isdir() and name in self.entries):
            return
        kept = tarfile.TarInfo(name)
        kept.type, kept.mode, kept.linkname = header.type, header.mode & 0o1777, header.linkname
        if header.islnk():
            kept.linkname = _merged(header.linkname)
        offset = self.spool.seek(0, io.SEEK_END)
        if content is not None:
            kept.size = header.size
            shutil.copyfileobj(content, self.spool)
        self.entries[name] = Entry(kept, offset)

    def add_link(self, name: str, target: str) -> None:
        """A symbolic link."""
        header = tarfile.TarInfo(name)
        header.type, header.linkname, header.mode = tarfile.SYMTYPE, target, 0o777
        self.entries[name] = Entry(header)

    def add_file(self, name: str, text: str) -> None:
        """A small text file."""
        header = tarfile.TarInfo(name)
        header.size, header.mode = len(text.encode()), 0o644
        self.add(header, io.BytesIO(text.encode()))

    def write(self, target: BinaryIO) -> None:
        """The whole tree as a tar stream; hard links after what they link to."""
        ordered = sorted(self.entries.items(), key=lambda item: (item[1].header.islnk(), item[0]))
        for _, entry in ordered:
            target.write(entry.header.tobuf(tarfile.PAX_FORMAT))
            if entry.header.isreg():
                self.spool.seek(entry.offset)
                target.write(self.spool.read(entry.header.size))
                target.write(bytes(-entry.header.size % tarfile.BLOCKSIZE))
        target.write(bytes(2 * tarfile.BLOCKSIZE))


def _merged(name: str) -> str:
    """The name below the root, with /bin, /sbin, /lib and /lib64 inside /usr, where today's Debian has them."""
    clean = name.removeprefix("./").strip("/")
    first, slash, rest = clean.partition("/")
    if first in _MERGED:
        return f"{_MERGED[first]}{slash}{rest}"
    return "" if clean == "." else clean


def need_debian() -> None:
    """Raise :class:`BuildRefused` where images can't be built: they are made from Debian packages."""
    missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        raise BuildRefused(
            f"images are built from Debian packages, and this machine has no {' and no '.join(missing)}: build them "
            "on a Debian or Ubuntu machine, or pull images from a registry (CHORUS_IMAGES, CHORUS_IMAGE_REGISTRIES)"
        )


def download(packages: Sequence[str], folder: Path) -> list[Path]:
    """Download ``packages`` and their dependencies into ``folder``; the .deb files, sorted by name.

    Uses the machine's package lists, or fetches fresh ones into ``folder`` where there are none or they are stale.
    Needs no root. Raises :class:`BuildRefused`.
    """
    archives = folder / "archives"
    (archives / "partial").mkdir(parents=True)
    (folder / "status").touch()
    options = _options(folder)
    said = _apt([*options, *_install(packages)])
    if said is not None:
        lists = folder / "lists"
        (lists / "partial").mkdir(parents=True)
        options += ["-o", f"Dir::State::lists={lists}"]
        failed = _apt([*options, "update", "-qq"]) or _apt([*options, *_install(packages)])
        if failed is not None:
            raise BuildRefused(f"the packages {', '.join(packages)} could not be had from the Debian mirror: {failed}")
    return sorted(archives.glob("*.deb"))


def _options(folder: Path) -> list[str]:
    settings = {
        "Dir::State::status": folder / "status",
        "Dir::Cache::archives": folder / "archives",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "APT::Sandbox::User": "",
        "Debug::NoLocking": "1",
        "Acquire::Retries": "2",
        "Acquire::http::Timeout": "20",
    }
    return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def _install(packages: Sequence[str]) -> list[str]:
    return ["install", "-y", "-qq", "--no-install-recommends", "--download-only", *packages]


def _apt(arguments: Sequence[str]) -> str | None:
    """None when it went well, else apt's last words."""
    done = subprocess.run(  # noqa: S603 - fixed options and our own package names
        ["apt-get", *arguments],  # noqa: S607 - the machine's own apt
        stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False, timeout=300,
    )  # fmt: skip
    if done.returncode == 0:
        return None
    return (
        beginning(" ".join(line for line in done.stderr.splitlines() if line.startswith("E:")), 400) or "apt-get failed"
    )


def merge(debs: Sequence[Path], tree: RootFs) -> None:
    """Put the files of all packages into ``tree``, and what an image needs besides them."""
    for name in _FOLDERS:
        header = tarfile.TarInfo(name)
        header.type, header.mode = tarfile.DIRTYPE, 0o1777 if name in {"tmp", "var/tmp"} else 0o755
        tree.add(header)
    for deb in debs:
        _unpack(deb, tree)
    for name, target in _MERGED.items():
        tree.add_link(name, target)
    tree.add_file("etc/passwd", _USERS)
    tree.add_file("etc/group", _GROUPS)
    for applet in _applets(tree):
        if f"usr/bin/{applet}" not in tree.entries and f"usr/sbin/{applet}" not in tree.entries:
            tree.add_link(f"usr/bin/{applet}", "busybox")


def _unpack(deb: Path, tree: RootFs) -> None:
    command = ["dpkg-deb", "--fsys-tarfile", str(deb)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603 - a file apt has just verified
        assert process.stdout is not None
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            for member in archive:
                if member.isreg() or member.isdir() or member.issym() or member.islnk():
                    tree.add(member, archive.extractfile(member) if member.isreg() else None)  # type: ignore[arg-type]  # IO[bytes]
        process.stdout.read()
    if process.returncode != 0:
        raise BuildRefused(f"package {deb.name} could not be unpacked")


def _applets(tree: RootFs) -> list[str]:
    """What this busybox can do: it says so itself, being static and of this machine's kind."""
    entry = tree.entries.get(_BUSYBOX)
    if entry is None:
        return []
    tree.spool.seek(entry.offset)
    with tempfile.NamedTemporaryFile(prefix="chorus-busybox-", delete=False) as file:
        file.write(tree.spool.read(entry.header.size))
    program = Path(file.name)
    try:
        program.chmod(stat.S_IRUSR | stat.S_IXUSR)
        said = subprocess.run(
            ["busybox", "--list"],  # noqa: S607 - only its name for itself; the program is the one just written
            executable=program, capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError) as error:
        raise BuildRefused(f"busybox does not run on this machine: {error}") from error
    finally:
        program.unlink()
    return said.stdout.split()
