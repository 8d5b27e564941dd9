"""What the sandbox images of each language are made of. Data only: :mod:`.image_build` follows it.

Debian's maintainer scripts never run, so what they would set up is said here: the short names that Debian keeps as
"alternatives" (``cc``, ``java``), and the variables a tool needs to work without network and with a home in memory.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

_RULES = 1
"""Counts up when the way of building changes, so that images are built anew."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """An image: Debian packages (what these depend on comes along), then names and variables set by hand."""

    packages: tuple[str, ...]
    links: Mapping[str, str] = field(default_factory=dict)
    """Name below /usr/bin to what it stands for, relative to it or absolute."""
    programs: str = ""
    """Glob over the image's paths; each program it finds gets a link of its own name in /usr/bin."""
    env: Mapping[str, str] = field(default_factory=dict)

    def digest(self, name: str) -> str:
        """Stands for the recipe and the way of building; the image's label."""
        said: list[object] = [_RULES, name, self.packages]
        if self.links or self.programs or self.env:
            said.append([dict(self.links), self.programs, dict(self.env)])
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]


_C_NAMES = {"cc": "gcc", "c++": "g++", "c89": "gcc", "c99": "gcc"}

RECIPES: Mapping[str, Recipe] = {
    "chorus-base": Recipe(("busybox-static",)),
    "chorus-python-dev": Recipe(("busybox-static", "python3")),
    # cargo looks for its index at the first build unless told that there is no network.
    "chorus-rust-dev": Recipe(("busybox-static", "rustc", "cargo"), links=_C_NAMES, env={"CARGO_NET_OFFLINE": "true"}),
    # Without a C compiler cgo cannot work; without network neither can the module proxy.
    "chorus-go-dev": Recipe(
        ("busybox-static", "golang-go"), env={"CGO_ENABLED": "0", "GOPROXY": "off", "GOFLAGS": "-mod=mod"}
    ),
    "chorus-node-dev": Recipe(("busybox-static", "nodejs")),
    # All programs of the JDK are alternatives. Its certificate store is made by a script too; tasks have no network
    # and need none, and the JDK takes the absent file for an empty store.
    "chorus-java-dev": Recipe(("busybox-static", "openjdk-17-jdk-headless"), programs="usr/lib/jvm/*/bin/*"),
    "chorus-cpp-dev": Recipe(("busybox-static", "gcc", "g++", "libc6-dev", "make"), links=_C_NAMES),
}
"""Image to recipe, for every language family."""

SMALL: tuple[str, ...] = ("chorus-base", "chorus-python-dev")
"""What is built when nothing is named: 54 MB in a few seconds. The others take from 115 MB to 700 MB each."""
