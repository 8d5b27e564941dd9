"""Small base images made on this machine from Debian packages, for machines that reach no image registry.

There is one for each language family: see :mod:`.recipes`. ``chorus-base`` has a shell and the usual small tools
(busybox), the others add a language. An image is not built again while its recipe is unchanged.
"""

from __future__ import annotations

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
from chorus_tui.engine.execution.globs import matches
from chorus_tui.engine.execution.images import ALIASES, FAMILIES
from chorus_tui.engine.execution.recipes import RECIPES, SMALL, Recipe
from chorus_tui.engine.execution.settings import DEFAULT_SOCKET

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
    """Build the images ``names`` and tell ``progress`` a line for each step.

    A name is an image's or a language's; ``all`` stands for every one, none for the small ones.

    Raises :class:`BuildRefused` with the way out, or :class:`~.errors.DockerUnavailable`.
    """
    wanted = wanted_images(names)
    api = DockerApi(docker_host)
    await api.version()
    built = []
    for image in wanted:
        there = None if anew else await _there(api, image)
        if there is not None:
            progress(f"{image}: is there")
            built.append(BuiltImage(image, str(there["Id"]), built=False, size=int(there["Size"])))
            continue
        need_debian()
        built.append(await _build(api, image, progress, scratch))
    return built


def wanted_images(names: Iterable[str]) -> list[str]:
    """The images that ``names`` stand for, each once; raises :class:`BuildRefused` for one without a recipe."""
    wanted: dict[str, None] = {}
    for name in names:
        if name == "all":
            wanted |= dict.fromkeys(RECIPES)
            continue
        image = FAMILIES.get(ALIASES.get(name, name), name.removesuffix(":latest"))
        if image not in RECIPES:
            known = ", ".join(sorted([*FAMILIES, *RECIPES]))
            raise BuildRefused(f"no recipe for image {name}; there are: {known}, and all")
        wanted[image] = None
    return list(wanted or SMALL)


async def _there(api: DockerApi, name: str) -> dict[str, Any] | None:
    try:
        image = await api.image(f"{name}:latest")
    except NotThere:
        return None
    labels = (image.get("Config") or {}).get("Labels") or {}
    return image if labels.get(_LABEL_RECIPE) == RECIPES[name].digest(name) else None


async def _build(api: DockerApi, name: str, progress: Callable[[str], None], scratch: Path | None) -> BuiltImage:
    recipe = RECIPES[name]
    with tempfile.TemporaryDirectory(prefix="chorus-image-", dir=scratch) as made:
        folder = Path(made)
        progress(f"{name}: fetching Debian packages ({', '.join(recipe.packages)})")
        debs = await trio.to_thread.run_sync(download, recipe.packages, folder)
        progress(f"{name}: putting {len(debs)} packages together")
        tar = folder / "root.tar"
        await trio.to_thread.run_sync(_write_tree, recipe, debs, folder / "spool", tar)
        progress(f"{name}: handing it to Docker")
        packages = " ".join(deb.name.removesuffix(".deb") for deb in debs)
        changes = [
            f"LABEL {_LABEL_RECIPE}={recipe.digest(name)}",
            f'LABEL {_LABEL_PACKAGES}="{packages}"',
            "ENV PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin",
            "ENV PYTHONDONTWRITEBYTECODE=1",
            *(f"ENV {variable}={value}" for variable, value in recipe.env.items()),
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


def _write_tree(recipe: Recipe, debs: list[Path], spool: Path, tar: Path) -> None:
    with spool.open("w+b") as contents, tar.open("wb") as target:
        tree = RootFs(contents)
        merge(debs, tree)
        for program in [path for path in tree.entries if recipe.programs and matches(path, recipe.programs)]:
            tree.add_link(f"usr/bin/{program.rpartition('/')[2]}", f"/{program}")
        for name, meaning in recipe.links.items():
            tree.add_link(f"usr/bin/{name}", meaning)
        tree.write(target)


async def _pieces(path: Path) -> AsyncGenerator[bytes, None]:
    async with await trio.open_file(path, "rb") as file:
        while piece := await file.read(_PIECE):
            yield piece
