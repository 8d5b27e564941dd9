"""Fuzzing by bytes, guided by coverage: ``python -m tests.hostile.fuzz [TARGET …] --seconds N --keep FOLDER``.

One process for all named targets (the first byte of an input picks one), or one after the other when called for each. An input
that breaks a target is written to ``--keep`` as it is, with the target's name, and the exit code is not 0.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path

import atheris


def main() -> None:
    """Ends the process: the fuzzer never returns."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.fuzz")
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"))
    asked = parser.parse_args()
    with atheris.instrument_imports(include=["chorus_tui.engine", "chorus_tui.contract"]):
        from tests.hostile.fuzz import targets

    names = asked.targets or sorted(targets.TARGETS)

    def one(data: bytes) -> None:
        if not data:
            return
        name, rest = names[data[0] % len(names)], data[1:]
        try:
            targets.TARGETS[name](rest)
        except Exception:
            folder = asked.keep / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / hashlib.sha256(rest).hexdigest()[:16]).write_bytes(rest)
            raise

    with tempfile.TemporaryDirectory(prefix="chorus-fuzz-") as folder:
        for number, name in enumerate(names):
            for data in targets.inputs(name):
                seed = bytes([number]) + data
                (Path(folder) / hashlib.sha256(seed).hexdigest()).write_bytes(seed)
        options = [
            f"-max_total_time={asked.seconds}",
            "-max_len=4096",
            "-rss_limit_mb=2048",
            "-timeout=20",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/", folder], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
