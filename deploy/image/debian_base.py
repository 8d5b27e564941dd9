"""Base images for machines that reach no image registry, made of Debian packages alone and handed to Docker.

    python deploy/image/debian_base.py

Makes ``chorus-runtime-base`` (Python, git, a small shell, the certificates of authorities) and ``chorus-build-base`` (the same
and pip). The Dockerfile takes them as BASE and BUILDER. No maintainer script runs, so what such a script would make is made here.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from chorus_tui.engine.execution.debian_packages import RootFs, download, merge, need_debian
from chorus_tui.engine.execution.errors import BuildRefused

RUNTIME = ("busybox-static", "python3", "git", "libstdc++6", "ca-certificates")
BASES = {"chorus-runtime-base": RUNTIME, "chorus-build-base": (*RUNTIME, "python3-pip")}
LABEL = "chorus.base.recipe"
RULES = 1
"""Counts up when the way of building changes, so that the images are made anew."""
UNUSED = ("perl", "libperl", "liberror-perl", "git-man", "openssl_", "debconf", "krb5-locales", "publicsuffix")
"""What packages depend on, but no git command does that an engine runs; half of the image's size."""
AUTHORITIES = "usr/share/ca-certificates/"
BUNDLE = "etc/ssl/certs/ca-certificates.crt"


def main() -> int:
    """Build both; the exit code."""
    try:
        need_debian()
        for name, packages in BASES.items():
            recipe = hashlib.sha256(repr((RULES, packages)).encode()).hexdigest()[:16]
            if recipe_of(name) == recipe:
                print(f"• {name}: is there", file=sys.stderr)
                continue
            print(f"• {name}: made of the Debian packages {', '.join(packages)}", file=sys.stderr)
            build(name, packages, recipe)
    except (BuildRefused, subprocess.CalledProcessError, OSError) as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    return 0


def recipe_of(name: str) -> str:
    """What the image of that name was made by; empty when there is none, or it is not ours."""
    said = subprocess.run(
        ["docker", "image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', name],  # noqa: S607 - the machine's own docker
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return said.stdout.strip()


def build(name: str, packages: tuple[str, ...], recipe: str) -> None:
    """Make one image, labelled with its recipe. Raises BuildRefused, CalledProcessError or OSError."""
    with tempfile.TemporaryDirectory(prefix="chorus-base-") as made:
        folder = Path(made)
        debs = [deb for deb in download(packages, folder) if not deb.name.startswith(UNUSED)]
        tar = folder / "root.tar"
        with (folder / "spool").open("w+b") as spool, tar.open("wb") as target:
            tree = RootFs(spool)
            merge(debs, tree)
            tree.add_file(BUNDLE, certificates(tree))
            tree.write(target)
        changes = ["--change", f"LABEL {LABEL}={recipe}", "--change", "ENV PATH=/usr/bin:/usr/sbin"]
        subprocess.run(["docker", "import", *changes, str(tar), name], check=True, stdout=subprocess.DEVNULL)  # noqa: S607 - as above


def certificates(tree: RootFs) -> str:
    """All authorities in one text, as Debian's own script would put them together."""
    texts = []
    for name, entry in sorted(tree.entries.items()):
        if name.startswith(AUTHORITIES) and name.endswith(".crt"):
            tree.spool.seek(entry.offset)
            texts.append(tree.spool.read(entry.header.size).decode())
    return "".join(texts)


if __name__ == "__main__":
    sys.exit(main())
