"""What was typed and chosen for a new patch. Kept while the wizard is closed, so that nothing is lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from chorus_tui.client.local_files import OutOfReach, here, local
from chorus_tui.commands.twins import line

if TYPE_CHECKING:
    from chorus_tui.client.worktree import ChangedFile
    from chorus_tui.contract.models.patches import CreatePatch

STEPS: Final = ("files", "words", "preview")
KINDS: Final = (("code", "code"), ("configuration", "config"), ("documents", "docs"))
PLACES: Final = {
    "title": "words",
    "message": "words",
    "kind": "words",
    "project_id": "words",
    "diff": "files",
    "staged": "files",
}
"""The step in which a field of the request is given."""


@dataclass(slots=True)
class PatchDraft:
    """A patch to be made."""

    folder: str
    chosen: set[str] = field(default_factory=set)
    kind: str = "code"
    title: str = ""
    message: str = ""
    project: str = ""
    repository: str = ""
    base: str = ""
    data: bytes = b""
    """The diff of the chosen files, as it was read last."""

    @classmethod
    def here(cls) -> PatchDraft:
        """Of the folder that the portal was started in."""
        return cls(str(here()))

    def read(self) -> list[ChangedFile]:
        """What differs in the folder; the repository and its commit are noted. Blocks. Raises ``GitError``."""
        from chorus_tui.client.git_run import GitError
        from chorus_tui.client.worktree import changed, repositories

        try:
            found = repositories(local(self.folder))
            for one in found:
                local(one.top)  # git finds it from below, so its top may lie further up
        except OutOfReach as error:
            raise GitError(str(error)) from error
        if not found:
            raise GitError(f"{self.folder} is in no git repository, and has none in it")
        if len(found) > 1:
            raise GitError(f"Which one? {', '.join(one.top.name for one in found[:8])}: type the folder of one of them")
        self.folder, self.repository, self.base = str(found[0].top), found[0].name, found[0].head
        return changed(found[0])

    def difference(self) -> bytes:
        """The diff of the chosen files, kept. Blocks. Raises ``GitError``."""
        from chorus_tui.client.worktree import diff, reached

        # Asked for anew: another folder may be typed by now, and a link may stand where one was.
        self.data = diff(reached(self.folder), sorted(self.chosen))
        return self.data

    def faults(self) -> list[str]:
        """What is missing."""
        found = [] if self.data else ["choose at least one file that differs"]
        return found + ([] if self.title.strip() else ["give it a title"])

    def request(self, staged: str) -> CreatePatch:
        """What the engine is asked. Raises pydantic's ``ValidationError``."""
        from chorus_tui.contract.models.patches import CreatePatch

        return CreatePatch.model_validate(
            {
                "title": self.title.strip(), "message": self.message.strip(), "kind": self.kind, "project_id": self.project.strip(),
                "repository": self.repository, "base": self.base, "staged": staged,
            }
        )  # fmt: skip

    def command(self) -> str:
        """The same on the command line."""
        return line("patches.create", files=sorted(self.chosen), title=self.title.strip(), kind=self.kind)
