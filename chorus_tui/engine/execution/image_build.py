"""Small base images made on this machine from Debian packages, for machines that reach no image registry.

``chorus-base`` has a shell and the usual small tools (busybox), ``chorus-python-dev`` adds Python with its whole
standard library. An image is not built again while its recipe is unchanged.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

from chorus_tui.engine.execution.debian_packages import RootFs, download, merge, need_debian
from chorus_tui.engine.execution.docker_api import DockerApi
from chorus_tui.engine.execution.errors import BuildRefused, NotThere
from chorus_tui.engine.execution.settings import DEFAULT_SOCKET

RECIPES: dict[str, tuple[str, ...]] = {
    "chorus-base": ("busybox-static",),
    "chorus-python-dev": ("busybox-static", "python3"),
}
"""Image to Debian packages; what these depend on comes along."""

_RULES = 1
"""Counts up when the way of building changes, so that images are built anew."""

_LABEL_RECIPE = "chorus.recipe"
_LABEL_PACKAGES = "chorus.packages"
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image that is on this machine now. ``built`` is False when it was there before."""

    name: str
    image_id: str
    built: bool
    size: int


async def build_images(
    names: Iterable[str] = (),
    progress: Callable[[str], None] = print,
    *,
    docker_host: str = DEFAULT_SOCKET,
    scratch: Path | None = None,
    anew: bool = False,
) -> list[BuiltImage]:
    """Build the images ``names`` (none: all) and tell ``progress`` a line for each step.

    Raises :class:`BuildRefused` with the way out, or :class:`~.errors.DockerUnavailable`.
    """
    wanted = list(names) or list(RECIPES)
    unknown = [name for name in wanted if name.removesuffix(":latest") not in RECIPES]
    if unknown:
        raise BuildRefused(f"no recipe for image {', '.join(unknown)}; there are: {', '.join(RECIPES)}")
    api = DockerApi(docker_host)
    await api.version()
    built = []
    for name in wanted:
        image = name.removesuffix(":latest")
        there = None if anew else await _there(api, image)
        if there is not None:
            progress(f"{image}: is there")
            built.append(BuiltImage(image, str(there["Id"]), built=False, size=int(there["Size"])))
            continue
        need_debian()
        built.append(await _build(api, image, progress, scratch))
    return built


def recipe_digest(name: str) -> str:
    """Stands for packages and way of building; the image's label."""
    return hashlib.sha256(json.dumps([_RULES, name, RECIPES[name]]).encode()).hexdigest()[:32]


async def _there(api: DockerApi, name: str) -> dict[str, Any] | None:
    try:
        image = await api.image(f"{name}:latest")
    except NotThere:
        return None
    labels = (image.get("Config") or {}).get("Labels") or {}
    return image if labels.get(_LABEL_RECIPE) == recipe_digest(name) else None


async def _build(api: DockerApi, name: str, progress: Callable[[str], None], scratch: Path | None) -> BuiltImage:
    with tempfile.TemporaryDirectory(prefix="chorus-image-", dir=scratch) as made:
        folder = Path(made)
        progress(f"{name}: fetching Debian packages ({', '.join(RECIPES[name])})")
        debs = await trio.to_thread.run_sync(download, RECIPES[name], folder)
        progress(f"{name}: putting {len(debs)} packages together")
        tar = folder / "root.tar"
        await trio.to_thread.run_sync(_write_tree, debs, folder / "spool", tar)
        progress(f"{name}: handing it to Docker")
        packages = " ".join(deb.name.removesuffix(".deb") for deb in debs)
        changes = [
            f"LABEL {_LABEL_RECIPE}={recipe_digest(name)}",
            f'LABEL {_LABEL_PACKAGES}="{packages}"',
            "ENV PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin",
            "ENV PYTHONDONTWRITEBYTECODE=1",
            "WORKDIR /workspace/data",
            "USER 10001:10001",
            'CMD ["/bin/sh"]',
        ]
        async with aclosing(_pieces(tar)) as pieces:
            await api.import_image(pieces, name, "latest", changes)
    image = await api.image(f"{name}:latest")
    size = int(image["Size"])
    progress(f"{name}: done, {size / 1e6:.0f} MB")
    return BuiltImage(name, str(image["Id"]), built=True, size=size)


def _write_tree(debs: list[Path], spool: Path, tar: Path) -> None:
    with spool.open("w+b") as contents, tar.open("wb") as target:
        tree = RootFs(contents)
        merge(debs, tree)
        tree.write(target)


async def _pieces(path: Path) -> AsyncGenerator[bytes, None]:
    async with await trio.open_file(path, "rb") as file:
        while piece := await file.read(_PIECE):
            yield piece
