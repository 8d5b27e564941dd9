"""The images of all language families: each one compiles and runs a program of its language, without any network."""

from __future__ import annotations

import dataclasses
import json

import pytest
import trio

from chorus_tui.engine.execution.debian_packages import need_debian
from chorus_tui.engine.execution.image_build import build_images
from chorus_tui.engine.execution.recipes import RECIPES
from tests.integration.execution.conftest import Bench, docker
from tests.support.docker_engine import DOCKER_HOST
from tests.support.patience import PATIENCE

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(300)]

HELLO = {
    "base": "echo hello from sh",
    "python": 'printf \'import json, ssl, sqlite3\\nprint("hello from", "python")\' > h.py && python3 h.py',
    "node": "echo 'const fs = require(\"fs\"); console.log(`hello from node`)' > h.js && node h.js",
    "cpp": (
        "printf '#include <iostream>\\nint main() { std::cout << \"hello from c++\\\\n\"; }' > h.cpp"
        " && printf 'h: h.cpp\\n\\tc++ -O1 -o h h.cpp\\n' > Makefile && make -s && ./h"
        " && printf '#include <stdio.h>\\nint main(void) { puts(\"hello from c\"); return 0; }' > g.c && cc g.c && ./a.out"
    ),
    "go": (
        'printf \'package main\\nimport "fmt"\\nfunc main() { fmt.Println("hello from go") }\' > h.go'
        " && go mod init hello 2>/dev/null && go build -o h . && ./h"
    ),
    "rust": (
        "cargo init -q --vcs none --name hello . && echo 'fn main() { println!(\"hello from rust\"); }' > src/main.rs"
        " && cargo run -q && rustc --version"
    ),
    "java": (
        "printf 'class H { public static void main(String[] a) throws Exception {"
        ' javax.net.ssl.SSLContext.getDefault(); System.out.println("hello from java"); } }\' > H.java'
        " && javac H.java && java H"
    ),
}


@pytest.mark.parametrize("family", HELLO)
async def test_each_language_builds_and_runs_hello_world_offline(bench, family):
    """Its image is made from Debian packages alone; the compiler and what it makes work in a sandbox as it stands."""
    need_debian()
    with trio.fail_after(240):
        (image,) = await build_images([family], lambda _: None, docker_host=DOCKER_HOST)
    result = await bench.run(HELLO[family], language=family, timeout_s=60 * PATIENCE)

    assert result.outcome == "completed", (result.detail, result.output_tail)
    assert "hello from" in result.output_tail
    assert result.image == f"{image.name}:latest"


async def test_no_image_of_ours_has_setuid_programs_or_more_than_its_recipe(images):
    """What is on this machine says its recipe on its label and runs as nobody in particular unless told otherwise."""
    for name in RECIPES:
        described = await trio.run_process(["docker", "image", "inspect", name], capture_stdout=True, check=False)
        if described.returncode:
            continue
        config = json.loads(described.stdout)[0]["Config"]
        assert config["Labels"]["chorus.recipe"] == RECIPES[name].digest(name)
        assert config["User"] == "10001:10001"
        found = docker(
            "run", "--rm", "--network=none", "--user=0", name, "/bin/busybox", "find", "/", "-xdev", "-perm", "/6000"
        )
        assert found == ""


async def test_the_language_is_found_out_and_the_phase_says_why(bench, tmp_path):
    """Nobody named a language: the repository's files decide, else the commands, else the base image; all in words."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("[project]\n")
    by_files = await bench.run("python3 --version", repository=folder)
    said = dict(bench.heard.phases)["running"]
    by_words = await bench.run("python3 -c 'print(1)'")
    by_default = await bench.run("true")

    assert by_files.outcome == "completed", by_files.detail
    assert said == "in chorus-python-dev:latest: python, since pyproject.toml is there"
    assert by_words.image == "chorus-python-dev:latest"
    assert by_default.image == "chorus-base:latest"
    assert dict(bench.heard.phases)["running"] == "in chorus-base:latest: base, by default"


async def test_a_guess_without_an_image_falls_back_and_says_so(bench, tmp_path):
    """A Rust repository where its image cannot be had still gets a shell; what was missed is told with the way out."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "Cargo.toml").write_text("[package]\n")
    settings = dataclasses.replace(bench.settings, registries=(), images={"rust": "localhost/no-such-rust:1"})
    guessed = await Bench(settings, bench.folder).run("cat Cargo.toml", repository=folder)
    said = await Bench(settings, bench.folder).run("true", repository=folder, language="rust")

    assert (guessed.outcome, guessed.image) == ("completed", "chorus-base:latest")
    assert "rust, since Cargo.toml is there, has no image here" in guessed.detail
    assert (said.outcome, said.reason) == ("error", "registry_not_allowed")
