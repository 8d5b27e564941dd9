"""Which modules of the engine hold a way out of the process, by what their code calls."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ENGINE = Path(__file__).parents[2] / "chorus_tui" / "engine"
_METHODS = {
    "write_text": "file", "write_bytes": "file", "publish": "gossip", "send_str": "socket", "send_json": "socket", "send": "stream",
    "send_all": "stream", "_store_at_peer": "DHT", "run_process": "process", "open_process": "process", "execute": "database",
    "executemany": "database", "post": "HTTP", "request": "HTTP", "stream": "HTTP", "put_archive": "Docker", "exec_create": "Docker",
    "create_container": "Docker", "chat": "HTTP", "write": "stream",
}  # fmt: skip
_FUNCTIONS = {
    "web.Response": "socket",
    "web.json_response": "socket",
    "logging.StreamHandler": "log",
    "generate_latest": "socket",
    "create_private": "file",
    "write_private": "file",
    "replace_private": "file",
}
_OPENING = ("open", "fdopen", "open_file")
_LAST = {*_METHODS, *_OPENING, *(name.rpartition(".")[2] for name in _FUNCTIONS)}


def outlets() -> dict[str, set[str]]:
    """Module (below ``chorus_tui.engine``) → kinds of ways out that its code has."""
    found = {}
    for path in sorted(ENGINE.rglob("*.py")):
        kinds = set(_of(ast.parse(path.read_text())))
        if kinds:
            found[path.relative_to(ENGINE).with_suffix("").as_posix().replace("/", ".")] = kinds
    return found


def _of(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).startswith("logging.") for base in node.bases):
            yield "log"
        if isinstance(node, ast.Call):
            last = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if last not in _LAST:
                continue
            name = ast.unparse(node.func)
            if name in _FUNCTIONS:
                yield _FUNCTIONS[name]
            elif last in _OPENING and _writes(node):
                yield "file"
            elif isinstance(node.func, ast.Attribute) and last in _METHODS and _is_a_way_out(name, last):
                yield _METHODS[last]


def _is_a_way_out(name: str, last: str) -> bool:
    """The event bus publishes to clients, which the API sends; requests of the contract are no HTTP."""
    owner = name.rpartition(".")[0].lower()
    if last == "publish":
        return "mesh" in owner or "pubsub" in owner
    if last in ("post", "request", "stream", "chat"):
        return "client" in owner or "http" in owner
    if last == "write":
        # A write of a database's own interface is found where it is carried out; buffers in memory are no way out.
        return any(
            word in owner
            for word in ("stream", "file", "answer", "response", "conn", "writer", "disk", "stdout", "stderr")
        )
    if last in ("execute", "executemany"):
        return "connection" in owner or "db" in owner
    return True


def _writes(call: ast.Call) -> bool:
    """Whether a file is opened for writing, as far as the text says."""
    said = [ast.unparse(argument) for argument in [*call.args, *(one.value for one in call.keywords)]]
    modes = ("'w'", "'wb'", "'a'", "'ab'", "'a+b'", "'x'", "'xb'", "'r+'", "'w+b'", "O_WRONLY", "O_RDWR", "O_CREAT")
    return any(mode in one for one in said for mode in modes)
