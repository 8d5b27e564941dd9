"""The demo's sample repository: a small library with one bug, so that one test passes and one fails."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from textwrap import dedent

FILES = {
    "tally.py": '''\
        """Adds up what a team spent."""


        def total(amounts: list[int]) -> int:
            """The sum of all amounts."""
            return sum(amounts)


        def share(amounts: list[int], people: int) -> float:
            """What each of ``people`` pays."""
            return total(amounts) // people
        ''',
    "test_total.py": """\
        import unittest

        from tally import total


        class Total(unittest.TestCase):
            def test_sum_of_amounts(self):
                self.assertEqual(60, total([10, 20, 30]))


        if __name__ == "__main__":
            unittest.main()
        """,
    "test_share.py": """\
        import unittest

        from tally import share


        class Share(unittest.TestCase):
            def test_each_pays_the_same_exact_part(self):
                self.assertEqual(2.5, share([2, 3], people=2))


        if __name__ == "__main__":
            unittest.main()
        """,
}


def make_repository(folder: Path) -> Path:
    """Write the sample into ``folder`` and commit it. Needs git; raises ``FileNotFoundError`` without."""
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(dedent(text))
    # The user's own git configuration (signing, hooks, templates) has no say here.
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    author = ["-c", "user.name=demo", "-c", "user.email=demo@localhost"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], [*author, "commit", "-q", "-m", "Add tally"]):
        subprocess.run(["git", *arguments], cwd=folder, env=environment, check=True, capture_output=True)  # noqa: S603, S607 - git, from PATH
    return folder
