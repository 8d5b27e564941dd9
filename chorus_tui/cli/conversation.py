"""``chorus-tui --plain``: the portal as a conversation, for screen readers, pipes and terminals that can do nothing else.

A line in, an answer out, then what can be done next. Nothing is drawn, coloured or moved; what happens is told when it is asked for
(``watch``), never in the middle of an answer. Each command is the command line's own, run by itself with ``--plain``.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time

from chorus_tui.cli.following import Following
from chorus_tui.cli.plain import clean, foreign, say, speak
from chorus_tui.cli.session import Exit, Target, complain
from chorus_tui.commands import lines
from chorus_tui.commands.lines import Line

PROMPT = "chorus: "
LOOK_S = 0.2


def converse(target: Target) -> int:
    """Until quit or the end of the input. The exit code is that of the last command that failed, at a terminal 0."""
    speak()
    following = Following(target)
    following.start()
    if problem := following.ready():
        complain(problem)
        return Exit.NO_ENGINE
    return Conversation(target, following, Input()).run()


class Input:
    """Lines as a person or a pipe gives them."""

    def __init__(self) -> None:
        self.person = sys.stdin.isatty()
        self._rest = b""
        self._over = False

    def ask(self, question: str) -> str | None:
        """The next line; None at the end. A pipe is asked nothing."""
        if self.person:
            try:
                return input(question)
            except EOFError:
                return None
        while b"\n" not in self._rest and not self._over:
            data = os.read(0, 4096)
            self._over = not data
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return None if self._over and not line and not self._rest else line.decode("utf-8", "replace")

    def waits(self) -> bool:
        """Whether something was typed that nobody has read yet."""
        return bool(self._rest) or self._over or bool(select.select([0], [], [], 0)[0])


class Conversation:
    """One of them, with the engine of ``target``."""

    def __init__(self, target: Target, following: Following, typed: Input) -> None:
        self._following = following
        self._typed = typed
        self._code = 0
        given = [("--data-dir", target.data_dir), ("--attach", target.attach), ("--token-file", target.token_file)]
        self._engine = [part for name, value in given if value for part in (name, value)]

    def run(self) -> int:
        """See :func:`converse`."""
        from chorus_tui.cli.main import COMMANDS

        if self._typed.person:
            say("chorus-tui, plain. Say help for what can be said, quit to leave.")
        while (text := self._typed.ask(PROMPT)) is not None:
            line = lines.read(text, COMMANDS)
            if line.own == "quit":
                break
            try:
                self._answer(line)
            except KeyboardInterrupt:
                say("Stopped.")
            sys.stdout.flush()
        return 0 if self._typed.person else self._code

    def _answer(self, line: Line) -> None:
        match line.own:
            case "help":
                self._help(line.rest)
            case "watch":
                self._watch(line.rest)
            case _ if line.fault:
                say(foreign(clean(line.fault)))
                self._code = Exit.USAGE
            case _ if line.words:
                self._command(line)

    def _help(self, word: str) -> None:
        from chorus_tui.cli.main import COMMANDS

        if not word:
            for text in lines.overview():
                say(text)
            return
        line = lines.read(word, COMMANDS)
        if line.own:
            say(lines.OWN[line.own])
        elif line.fault:
            say(foreign(clean(line.fault)))
        else:
            self._run([*line.words, "--help"])

    def _watch(self, text: str) -> None:
        """What happens from now on; a person ends it with enter."""
        try:
            until = time.monotonic() + (float(text) if text else float("inf"))
        except ValueError:
            say("Say a number of seconds, such as: watch 30")
            return
        self._following.forget()
        say("Watching." + ("" if text else " Enter ends it."))
        sys.stdout.flush()
        while (rest := until - time.monotonic()) > 0:
            heard = self._following.next(min(LOOK_S, rest))
            if heard is not None:
                say(clean(heard))
                sys.stdout.flush()
            if not text and self._typed.waits():
                if self._typed.person:
                    self._typed.ask("")
                break
        say("Watched. Next: status, inbox, help")

    def _command(self, line: Line) -> None:
        words = list(line.words)
        if line.name in lines.QUESTIONS and len(words) == 2:
            for option, question in lines.QUESTIONS[line.name]:
                given = self._typed.ask(f"{question}: ")
                if not given:
                    say("Nothing was done: it needs an answer to each question.")
                    return
                words += [option, given]
        if line.name in lines.DESTRUCTIVE and "--help" not in words and not self._sure(words):
            say("Nothing was done.")
            return
        code = self._run(words)
        if code:
            self._code = code
        say(lines.after(line))

    def _sure(self, words: list[str]) -> bool:
        if self._typed.person:
            return (self._typed.ask(f"Really {' '.join(words)}? Say yes to do it: ") or "").strip().lower() == "yes"
        say(clean(f"Really {foreign(' '.join(words))}? The next line says yes to do it."))
        return (self._typed.ask("") or "").strip().lower() == "yes"

    def _run(self, words: list[str]) -> int:
        """The command line's own, in a process of its own: some commands become another program."""
        sys.stdout.flush()
        command = [sys.executable, "-P", "-m", "chorus_tui", "--plain", *self._engine, *words]
        given = None if self._typed.person else subprocess.DEVNULL
        return subprocess.run(command, stdin=given, check=False).returncode  # noqa: S603 - our own interpreter, no shell
