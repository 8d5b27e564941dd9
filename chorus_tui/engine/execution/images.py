"""Which image a task runs in, and how it gets onto this machine.

An image that is here may always be used. What is not here is pulled, from the registries in the settings only; each way
a registry can fail has its own reason and sentence. Pulling is timed apart from running.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import trio

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.execution.docker_api import DockerApi
from chorus_tui.engine.execution.errors import DockerRefused, ImageUnusable, NotThere
from chorus_tui.engine.execution.language import choices
from chorus_tui.engine.execution.settings import ExecutionSettings
from chorus_tui.engine.shhh.cutting import beginning

PUBLIC_NAMESPACE = "docker.io/anthonyrawlins"

FAMILIES: dict[str, str] = {
    "base": "chorus-base",
    "python": "chorus-python-dev",
    "rust": "chorus-rust-dev",
    "go": "chorus-go-dev",
    "node": "chorus-node-dev",
    "java": "chorus-java-dev",
    "cpp": "chorus-cpp-dev",
}
"""Language to image. The same names are looked for on this machine and, when absent, in the public namespace."""

ALIASES: dict[str, str] = {
    "": "base", "sh": "base", "shell": "base", "bash": "base",
    "py": "python", "python3": "python",
    "rs": "rust",
    "golang": "go",
    "javascript": "node", "js": "node", "typescript": "node", "ts": "node", "nodejs": "node",
    "c": "cpp", "c++": "cpp",
}  # fmt: skip

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,254}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MIB = 1 << 20
_UNREACHABLE = (
    "no such host", "connection refused", "i/o timeout", "timeout", "no route to host", "network is unreachable",
    "tls handshake", "x509", "server misbehaving", "request canceled", "eof",
)  # fmt: skip
_DENIED = ("unauthorized", "authentication required", "no basic auth", "forbidden", "incorrect username")
_ABSENT = ("not found", "manifest unknown", "does not exist", "name unknown")
_MISMATCH = ("verification failed", "digest mismatch", "did not match", "unexpected commit digest")

Progress = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reference:
    """An image name in its parts. ``path`` has no registry; ``tag`` is a tag or, where one is given, a digest."""

    registry: str
    path: str
    tag: str

    @property
    def pull_name(self) -> str:
        """Registry and path, as the engine's pull call wants it."""
        return f"{self.registry}/{self.path}"

    @property
    def digest(self) -> str:
        """The digest it is pinned to (``sha256:…``), or "" when it is not."""
        return self.tag if ":" in self.tag else ""


def parse_reference(name: str) -> Reference:
    """Split ``name`` as Docker does; raises :class:`ImageUnusable` for what is no image name."""
    if not _NAME.fullmatch(name) or ".." in name or "//" in name:
        raise ImageUnusable(f"image: {name!r} is no image name", reason="bad_image_name")
    rest, at, digest = name.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise ImageUnusable(f"image: {digest!r} is no digest (sha256: and 64 hex digits)", reason="bad_image_name")
    first, slash, remainder = rest.partition("/")
    has_registry = bool(slash) and ("." in first or ":" in first or first == "localhost")
    registry, path = (first, remainder) if has_registry else ("docker.io", rest)
    head, colon, tag = path.rpartition(":")
    path, tag = (head, tag) if colon and "/" not in tag else (path, "latest")
    if registry == "docker.io" and "/" not in path:
        path = f"library/{path}"
    return Reference(registry, path, digest if at else tag)


def allowed(reference: Reference, registries: tuple[str, ...]) -> bool:
    """Whether it may be pulled: its host, or host and namespace, stands in the settings."""
    return any(reference.pull_name.startswith(entry.rstrip("/") + "/") for entry in registries)


def family_of(language: str) -> str:
    """The family of a language name; raises :class:`ImageUnusable` for one we have no image for."""
    word = language.strip().lower()
    family = ALIASES.get(word, word)
    if family not in FAMILIES:
        known = ", ".join(sorted(FAMILIES))
        raise ImageUnusable(
            f"language: no image for {language!r}; known are {known}. Or name an image, or set CHORUS_IMAGES",
            reason="unknown_language",
        )
    return family


def candidates(language: str, settings: ExecutionSettings) -> list[str]:
    """Images of a language to look for on this machine, in order; the last one is what is pulled when none is here."""
    override = settings.images.get(language.strip().lower()) or settings.images.get(_family_or_none(language))
    if override:
        return [override]
    name = FAMILIES[family_of(language)]
    return [f"{name}:latest", f"{PUBLIC_NAMESPACE}/{name}:latest"]


def _family_or_none(language: str) -> str:
    word = language.strip().lower()
    return ALIASES.get(word, word)


@dataclass(frozen=True, slots=True)
class Obtained:
    """An image that is here. ``image`` is the engine's description; ``why`` tells in words how it was chosen."""

    name: str
    image: dict[str, Any]
    why: str = ""
    missed: str = ""
    """In words: a language that fits better and whose image could not be had."""


async def obtain(
    api: DockerApi, spec: TaskSpec, settings: ExecutionSettings, progress: Progress, files: Iterable[str] = ()
) -> Obtained:
    """The image for ``spec``, whose repository has ``files``. Pulls what is not here, but not for a mere word's sake.

    Raises :class:`ImageUnusable`, or what :class:`DockerApi` raises.
    """
    if spec.image:
        here = await _had(api, spec.image, settings)
        return Obtained(spec.image, here or await _fetched(api, spec.image, settings, progress))
    missed = ""
    text = f"{spec.title}\n{spec.goal}\n{spec.description}"
    for choice in choices(spec.language, files, [*spec.commands, *spec.checks], text):
        names = candidates(choice.language, settings)
        for name in names:
            if (image := await _had(api, name, settings)) is not None:
                return Obtained(name, image, str(choice), missed)
        if choice.tier == "words":
            continue
        try:
            return Obtained(names[-1], await _fetched(api, names[-1], settings, progress), str(choice), missed)
        except ImageUnusable as error:
            if choice.tier != "files":
                raise
            missed = f"{choice}, has no image here: {error}"
    raise AssertionError("the last choice is the base image: it was had, or its error raised")


async def _had(api: DockerApi, name: str, settings: ExecutionSettings) -> dict[str, Any] | None:
    """The image, when it is on this machine."""
    reference = parse_reference(name)
    try:
        image = await api.image(_asked(name, reference))
    except NotThere:
        return None
    return _pinned(name, reference, _sized(name, image, settings))


async def _fetched(api: DockerApi, name: str, settings: ExecutionSettings, progress: Progress) -> dict[str, Any]:
    """The image, pulled from its registry."""
    reference = parse_reference(name)
    if not allowed(reference, settings.registries):
        raise await _why_not_pulled(api, name, reference, settings)
    await _pull(api, name, reference, settings, progress)
    image = await _had(api, name, settings)
    if image is None:
        raise ImageUnusable(f"image {name} is gone right after it was pulled; try again", reason="pull_failed")
    return image


def _asked(name: str, reference: Reference) -> str:
    """What to ask the engine for: of a pinned name the tag is left out, which says nothing beside a digest."""
    return f"{reference.pull_name}@{reference.digest}" if reference.digest else name


def _pinned(name: str, reference: Reference, image: dict[str, Any]) -> dict[str, Any]:
    """The image, when it is the one its name is pinned to; the engine's word on where it came from decides."""
    if reference.digest and reference.digest not in digests_of(image):
        raise _mismatch(name, image)
    return image


def digests_of(image: dict[str, Any]) -> list[str]:
    """The digests under which registries know an image; none for one that was made here."""
    return [known.partition("@")[2] for known in image.get("RepoDigests") or []]


def _mismatch(name: str, image: dict[str, Any]) -> ImageUnusable:
    known = ", ".join(digests_of(image)) or "no digest of a registry (it was built here)"
    return ImageUnusable(
        f"image {name} is pinned, and what is on this machine has {known}: pull the pinned one here, or mend the digest",
        reason="image_digest_mismatch",
    )


async def _why_not_pulled(
    api: DockerApi, name: str, reference: Reference, settings: ExecutionSettings
) -> ImageUnusable:
    if reference.digest:
        # The same name with other content is here: say so, it is what the person has to know.
        try:
            return _mismatch(name, await api.image(name.partition("@")[0]))
        except NotThere:
            pass  # Nothing of that name is here; then the registry is the trouble.
    listed = ", ".join(settings.registries) or "none"
    return ImageUnusable(
        f"image {name} is not on this machine, and {reference.registry} is not among CHORUS_IMAGE_REGISTRIES "
        f"({listed}): pull or build it here, or allow its registry",
        reason="registry_not_allowed",
    )


def _sized(name: str, image: dict[str, Any], settings: ExecutionSettings) -> dict[str, Any]:
    size = int(image.get("Size", 0)) // _MIB
    if size > settings.max_image_mb:
        raise ImageUnusable(
            f"image {name} has {size} MiB, more than {settings.max_image_mb} MiB (setting max_image_mb)",
            reason="image_too_large",
        )
    return image


async def _pull(
    api: DockerApi, name: str, reference: Reference, settings: ExecutionSettings, progress: Progress
) -> None:
    await progress(f"pulling {name}")
    layers: dict[str, tuple[int, int]] = {}
    said = -1
    with trio.move_on_after(settings.pull_timeout_s) as scope:
        try:
            async with aclosing(api.pull(reference.pull_name, reference.tag)) as steps:
                async for step in steps:
                    if "error" in step:
                        raise pull_error(name, reference, str(step["error"]))
                    percent = _percent(layers, step, name, settings)
                    if percent // 10 > said // 10:
                        said = percent
                        await progress(f"pulling {name}: {percent} %")
        except DockerRefused as error:
            raise pull_error(name, reference, str(error)) from error
    if scope.cancelled_caught:
        raise ImageUnusable(
            f"image {name} was not pulled within {settings.pull_timeout_s:.0f} s; pull it on this machine first",
            reason="registry_unreachable",
        )


def _percent(layers: dict[str, tuple[int, int]], step: dict[str, Any], name: str, settings: ExecutionSettings) -> int:
    detail = step.get("progressDetail") or {}
    if step.get("status") == "Downloading" and detail.get("total"):
        layers[str(step.get("id"))] = (int(detail.get("current", 0)), int(detail["total"]))
    total = sum(size for _, size in layers.values())
    if total > settings.max_image_mb * _MIB:
        raise ImageUnusable(
            f"image {name} is larger than {settings.max_image_mb} MiB; its pull was stopped", reason="image_too_large"
        )
    return 100 * sum(done for done, _ in layers.values()) // total if total else 0


def pull_error(name: str, reference: Reference, said: str) -> ImageUnusable:
    """Tell the ways of failing apart by what the engine says; it gives no codes for them."""
    low = said.lower()
    if any(word in low for word in _MISMATCH):
        return ImageUnusable(
            f"{reference.registry} sent something else than image {name} by its digest: do not use that registry before "
            f"somebody has looked at it ({beginning(said, 200)})",
            reason="image_digest_mismatch",
        )
    # The hub answers "access denied … may require 'docker login'" for what does not exist, too.
    if any(word in low for word in _ABSENT):
        return ImageUnusable(
            f"image {name} does not exist at {reference.registry}, or is not public: check its name, or build the base "
            "images here with: chorus-tui images build",
            reason="image_absent",
        )
    if any(word in low for word in _DENIED) or "denied" in low:
        return ImageUnusable(
            f"{reference.registry} refuses image {name}: log in on this machine (docker login) and pull it there",
            reason="image_denied",
        )
    if any(word in low for word in _UNREACHABLE):
        return ImageUnusable(
            f"image {name} is not on this machine and {reference.registry} cannot be reached: build the base images "
            "here with: chorus-tui images build, or pull it where there is a network",
            reason="registry_unreachable",
        )
    return ImageUnusable(f"image {name} could not be pulled: {beginning(said, 300)}", reason="pull_failed")


def present_languages(tags: list[str], settings: ExecutionSettings) -> tuple[str, ...]:
    """Languages (families, and those of the settings) whose image is among ``tags``, the names on this machine."""
    here = {_normal(tag) for tag in tags}
    wanted = {family: [f"{name}:latest", f"{PUBLIC_NAMESPACE}/{name}:latest"] for family, name in FAMILIES.items()}
    wanted |= {language: [image] for language, image in settings.images.items()}
    return tuple(sorted(language for language, names in wanted.items() if here & {_normal(name) for name in names}))


def _normal(name: str) -> Reference | None:
    try:
        return parse_reference(name)
    except ImageUnusable:
        return None
