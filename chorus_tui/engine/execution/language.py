"""Which language a task is about, so that it gets an image with that language's tools. Pure.

Four tiers, in this order: what the task says, the files of its repository, the words of the task, the base image. A task
that says its language gets that one or an error; the other tiers are guesses, so they come as a list, best first, and
whoever looks for the image goes on to the next where a guess has none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Tier = Literal["task", "files", "words", "default"]

MARKERS: Mapping[str, str] = {
    "Cargo.toml": "rust",
    "go.mod": "go",
    "package.json": "node",
    "pyproject.toml": "python", "setup.py": "python", "setup.cfg": "python", "requirements.txt": "python",
    "Pipfile": "python", "tox.ini": "python",
    "pom.xml": "java", "build.gradle": "java", "build.gradle.kts": "java",
    "CMakeLists.txt": "cpp", "meson.build": "cpp",
}  # fmt: skip
"""File name that names a language by itself; earlier ones win over later ones in the same folder."""

SUFFIXES: Mapping[str, str] = {
    ".rs": "rust", ".go": "go", ".py": "python", ".java": "java",
    ".js": "node", ".mjs": "node", ".cjs": "node", ".ts": "node", ".tsx": "node", ".jsx": "node",
    ".c": "cpp", ".cc": "cpp", ".cpp": "cpp", ".cxx": "cpp", ".h": "cpp", ".hpp": "cpp",
}  # fmt: skip

PROGRAMS: Mapping[str, str] = {
    "cargo": "rust", "rustc": "rust", "rustfmt": "rust",
    "go": "go", "gofmt": "go",
    "node": "node", "npm": "node", "npx": "node", "tsc": "node",
    "python": "python", "python3": "python", "pytest": "python", "pip": "python", "pip3": "python",
    "java": "java", "javac": "java", "jar": "java", "mvn": "java", "gradle": "java",
    "gcc": "cpp", "g++": "cpp", "cc": "cpp", "c++": "cpp", "cmake": "cpp",
}  # fmt: skip
"""Program a command begins with, to language. ``make`` is none: every language uses it."""

# Only words that mean the language and nothing else: "go", "node" and "c" alone are English or something else.
_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (language, re.compile(pattern))
    for language, pattern in (
        ("rust", r"(?i:\b(?:in|a|the) rust\b)|\bRust\b|(?i:\bcargo\b|\brustc\b)|[\w/.-]*\w\.rs\b"),
        (
            "go",
            r"(?i:\bgolang\b)|\bin Go\b|\bGo (?:code|module|package|program|test|service|server)s?\b|[\w/.-]*\w\.go\b",
        ),
        ("python", r"(?i:\bpython3?\b|\bpytest\b)|[\w/.-]*\w\.py\b"),
        ("node", r"(?i:\bnode\.?js\b|\bjavascript\b|\btypescript\b)|[\w/.-]*\w\.[cm]?[jt]sx?\b"),
        ("java", r"\bJava\b|(?i:\bin java\b|\bjdk\b)|[\w/.-]*\w\.java\b"),
        ("cpp", r"(?i:\bc\+\+|\bcpp\b|\bgcc\b)|\bin C\b|[\w/.-]*\w\.(?:c|cc|cpp)\b"),
    )
)
# A program stands where a command begins: at the start, after ; & | ( or a line's end, behind assignments and folders.
_COMMAND = re.compile(r"(?:^|[;&|(\n]|\bthen\s|\bdo\s)\s*(?:\w+=\S*\s+)*(?:[\w./-]*/)?([\w+.-]+)")


@dataclass(frozen=True, slots=True)
class Choice:
    """A language and why: ``str()`` is for people, such as "python, since pyproject.toml is there"."""

    language: str
    tier: Tier
    why: str

    def __str__(self) -> str:
        return f"{self.language}, {self.why}"


def choices(said: str, files: Iterable[str], commands: Sequence[str], text: str) -> list[Choice]:
    """What to try, best first, each language once. ``files``: paths of the repository; ``text``: title and the like."""
    if said.strip():
        return [Choice(said.strip(), "task", "as the task says")]
    called = _called(commands)
    tries = [_by_files(list(files), called), *_by_words(called, text), Choice("base", "default", "by default")]
    found: dict[str, Choice] = {}
    for choice in tries:
        if choice is not None:
            found.setdefault(choice.language, choice)
    return list(found.values())


def _called(commands: Sequence[str]) -> list[str]:
    """Programs of :data:`PROGRAMS` the commands begin with, in order."""
    return [name for command in commands for name in _COMMAND.findall(command) if name in PROGRAMS]


def _by_files(files: list[str], called: list[str]) -> Choice | None:
    """The marker nearest to the top; of several there the one whose program the commands call, else the table's first."""
    marked = [path for path in files if path.rpartition("/")[2] in MARKERS]
    if marked:
        top = min(path.count("/") for path in marked)
        wanted = {PROGRAMS[name] for name in called}
        order = list(MARKERS)

        def rank(path: str) -> tuple[bool, int, str]:
            name = path.rpartition("/")[2]
            return MARKERS[name] not in wanted, order.index(name), path

        best = min((path for path in marked if path.count("/") == top), key=rank)
        return Choice(MARKERS[best.rpartition("/")[2]], "files", f"since {best} is there")
    counted = Counter(SUFFIXES[suffix] for path in files if (suffix := _suffix(path)) in SUFFIXES)
    if not counted:
        return None
    language = min(counted, key=lambda name: (-counted[name], name))
    example = min(path for path in files if SUFFIXES.get(_suffix(path)) == language)
    return Choice(language, "files", f"since {example} is there")


def _suffix(path: str) -> str:
    name = path.rpartition("/")[2]
    return f".{name.rpartition('.')[2]}" if "." in name[1:] else ""


def _by_words(called: list[str], text: str) -> list[Choice]:
    found = [Choice(PROGRAMS[name], "words", f"since a command calls {name}") for name in called[:1]]
    hits = [(match.start(), language, match) for language, words in _WORDS if (match := words.search(text))]
    if hits:
        _, language, match = min(hits, key=lambda hit: hit[:2])
        found.append(Choice(language, "words", f'since the task says "{match.group()}"'))
    return found
