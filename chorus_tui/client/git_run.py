"""Running git in a person's repository, so that nothing in it runs by itself.

What a patch or a repository says must not start a program: no configuration but ours counts, besides what the repository needs to be
read; no hooks, pagers, external diffs, text conversions, filters or monitors; no network.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

TIMEOUT_S: Final = 120.0
MOST_PRINTED: Final = 64 << 20

_SAFE: Final = {
    "safe.bareRepository": "explicit",
    "core.hooksPath": "/dev/null", "core.fsmonitor": "false", "core.attributesFile": "/dev/null", "core.pager": "cat",
    "core.quotePath": "true", "diff.external": "", "diff.noprefix": "false", "diff.mnemonicPrefix": "false",
    "diff.ignoreSubmodules": "all", "apply.whitespace": "nowarn", "apply.ignoreWhitespace": "no", "credential.helper": "",
    "submodule.recurse": "false", "gc.auto": "0", "maintenance.auto": "false", "advice.detachedHead": "false",
}  # fmt: skip
"""What is looked into is somebody's: a repository that is another user's is refused by git itself."""
_FILTERS = ("clean", "smudge", "process")
_PLAIN = ("--literal-pathspecs",)


class GitError(Exception):
    """git ended with an error; the text is for people."""


class Repository:
    """A person's work tree. ``top`` is its root."""

    def __init__(self, top: Path) -> None:
        self.top = top

    @classmethod
    def at(cls, folder: Path) -> Repository:
        """The one that a folder lies in. Raises :class:`GitError`."""
        try:
            top = cls(folder).git("rev-parse", "--show-toplevel").decode("utf-8", "surrogateescape").rstrip("\n")
        except GitError:
            raise GitError(f"{folder} is in no git repository with a work tree") from None
        return cls(Path(top))

    @property
    def name(self) -> str:
        """As its origin calls it, else its folder."""
        origin = self.git("config", "--get", "remote.origin.url", good=(0, 1)).decode("utf-8", "replace").strip()
        last = origin.rstrip("/").replace(":", "/").rpartition("/")[2].removesuffix(".git")
        return (last or self.top.name)[:200]

    @property
    def head(self) -> str:
        """The commit that the work tree stands on. Raises :class:`GitError`."""
        try:
            return self.git("rev-parse", "--verify", "--quiet", "HEAD^{commit}").decode().strip()
        except GitError:
            raise GitError(f"{self.top} has no commit yet; a patch is made against one") from None

    @property
    def branch(self) -> str:
        """Empty when it stands on none."""
        return self.git("symbolic-ref", "--quiet", "--short", "HEAD", good=(0, 1)).decode("utf-8", "replace").strip()

    def git(
        self, *arguments: str, data: bytes = b"", variables: Mapping[str, str] | None = None, good: Collection[int] = (0,),
        most: int = MOST_PRINTED,
    ) -> bytes:  # fmt: skip
        """Run git here; what it printed, ``most`` bytes at most. ``good`` are the exit codes of success. Raises :class:`GitError`."""
        return self._run([*_PLAIN, *arguments], data, _environment(variables, self._emptied), good, most)[0]

    def tried(self, *arguments: str, data: bytes, variables: Mapping[str, str] | None = None) -> tuple[bool, str]:
        """Run git here: whether it went well, and what it complained of."""
        environment = _environment(variables, self._emptied)
        _, code, words = self._run([*_PLAIN, *arguments], data, environment, None, MOST_PRINTED)
        return code == 0, words

    def identity(self) -> dict[str, str]:
        """Who the person is to git, as variables. Its own configuration says so; nothing else of it is used."""
        try:
            printed, _, _ = self._run(
                ["-c", "core.fsmonitor=false", "var", "GIT_AUTHOR_IDENT"], b"", dict(os.environ), (0,), 4096
            )
        except GitError:
            hint = "git config --global user.name 'Your Name'; git config --global user.email you@example.org"
            raise GitError(f"git does not know who you are: {hint}") from None
        name, _, rest = printed.decode("utf-8", "surrogateescape").partition(" <")
        mail = rest.partition(">")[0]
        return identity(name, mail)

    @cached_property
    def _emptied(self) -> dict[str, str]:
        """Settings that take the teeth out of what the repository's own configuration may hold."""
        printed, _, _ = self._run(
            ["config", "--null", "--name-only", "--get-regexp", r"^filter\..*\..*$"], b"", _environment(None, _SAFE), (0, 1, 128),
            MOST_PRINTED,
        )  # fmt: skip
        names = {one.rpartition(".")[0] for one in printed.decode("utf-8", "surrogateescape").split("\0") if one}
        off = {f"{name}.{part}": "" for name in sorted(names) for part in _FILTERS}
        return {**_SAFE, **off, **{f"{name}.required": "false" for name in names}}

    def _run(
        self, arguments: list[str], data: bytes, environment: Mapping[str, str], good: Collection[int] | None, most: int
    ) -> tuple[bytes, int, str]:  # fmt: skip
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as words:
            given.write(data)
            given.seek(0)
            try:
                process = subprocess.Popen(  # noqa: S603 - git, with arguments of ours; no shell
                    ["git", "--no-pager", *arguments], cwd=self.top, env=environment, stdin=given, stdout=subprocess.PIPE,  # noqa: S607 - the person's git
                    stderr=words,
                )  # fmt: skip
            except OSError as error:
                missing = isinstance(error, FileNotFoundError) and error.filename == "git"
                why = f"{self.top} is no folder that can be looked into: {error.strerror}"
                raise GitError("git is not installed on this machine" if missing else why) from None
            timer = threading.Timer(TIMEOUT_S, process.kill)
            timer.start()
            try:
                assert process.stdout is not None
                printed = process.stdout.read(most + 1)
                if len(printed) > most:
                    process.kill()
                process.stdout.close()
                code = process.wait()
            finally:
                timer.cancel()
            words.seek(0)
            said = words.read(1 << 20).decode("utf-8", "replace")
        if len(printed) > most:
            raise GitError(f"git printed more than {most >> 20} MiB")
        if good is not None and code not in good:
            raise GitError(_last(said) or f"git ended with {code}")
        return printed, code, said


def identity(name: str, mail: str) -> dict[str, str]:
    """Who makes a commit, as variables."""
    return {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": mail, "GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": mail}


def _environment(variables: Mapping[str, str] | None, settings: Mapping[str, str]) -> dict[str, str]:
    """Settings go by variables of their own: on the command line a name that holds '=' would be taken apart at the wrong place."""
    said = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (name, value) in enumerate(settings.items()):
        said |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return {
        "PATH": os.environ.get("PATH", os.defpath), "HOME": os.devnull, "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull, "GIT_ATTR_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "false",
        "GIT_EDITOR": "false", "GIT_ALLOW_PROTOCOL": "none", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1",
        **said, **(variables or {}),
    }  # fmt: skip


def _last(words: str) -> str:
    lines = [line for line in words.splitlines() if line.strip() and not line.startswith("hint:")]
    telling = [line.partition(": ")[2] for line in lines if line.startswith(("fatal:", "error:"))]
    return " ".join((telling or lines)[-2:])[:400]
