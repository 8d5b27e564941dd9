"""The Docker Engine's HTTP API over its Unix socket, as far as sandboxes need it. The only door to Docker.

Every call is cancellable at any moment, and every failure is an :class:`~.errors.ExecutionError` in words. A connection
serves one request only: the socket is local, so a new one costs little and none can be found closed by the other side.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpcore
import httpx
import trio

from chorus_tui.engine.execution.errors import DockerRefused, DockerUnavailable, NotThere
from chorus_tui.engine.execution.frames import FrameDecoder
from chorus_tui.engine.shhh.cutting import beginning

API = "/v1.41"
QUICK_S = 30.0
"""Seconds that a question which needs no work may take."""
WriteInput = Callable[[bytes], Awaitable[None]]
"""Writes to a container's standard input; raises :class:`DockerUnavailable` when nobody takes it."""
INSTALL_HINT = (
    "install it (Debian: sudo apt-get install docker.io; elsewhere: https://docs.docker.com/engine/install/) and start "
    "it (sudo systemctl start docker)"
)


def socket_of(docker_host: str) -> str:
    """The path of a ``unix://`` address; raises :class:`DockerUnavailable` for any other kind."""
    scheme, separator, path = docker_host.partition("://")
    if scheme != "unix" or not separator or not path.startswith("/"):
        raise DockerUnavailable(
            f"DOCKER_HOST={docker_host}: only a Unix socket is supported, such as unix:///var/run/docker.sock"
        )
    return path


class Inlet:
    """The standard input of a command. Its failures are :class:`DockerUnavailable`: nobody takes it any more."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def write(self, data: bytes) -> None:
        """Waits while the command does not read, half a minute at most."""
        try:
            await self._stream.write(data, timeout=QUICK_S)
        except (httpcore.NetworkError, httpcore.TimeoutException) as error:
            raise DockerUnavailable("nobody takes a command's standard input any more") from error

    async def end(self) -> None:
        """Say that no more comes, and wait until the command has ended."""
        try:
            self._stream.get_extra_info("socket").shutdown(trio.socket.SHUT_WR)
            while await self._stream.read(4096, timeout=QUICK_S):
                continue
        except (OSError, httpcore.NetworkError, httpcore.TimeoutException) as error:
            raise DockerUnavailable("a command's standard input was closed before its end") from error


class DockerApi:
    """One engine. Holds no connection between calls, so it needs no closing."""

    def __init__(self, docker_host: str) -> None:
        self._docker_host = docker_host

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[httpx.AsyncClient]:
        # No TLS on a Unix socket: reading the machine's certificates at each call would stop the whole engine for 20 ms.
        transport = httpx.AsyncHTTPTransport(uds=socket_of(self._docker_host), verify=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://docker" + API, timeout=httpx.Timeout(None), trust_env=False
        ) as client:
            try:
                yield client
            except httpx.ConnectError as error:
                raise DockerUnavailable(self._why_no_connection()) from error
            except httpx.TransportError as error:
                raise DockerUnavailable(
                    f"the Docker Engine at {self._docker_host} broke off ({type(error).__name__}); is it restarting?"
                ) from error

    def _why_no_connection(self) -> str:
        path = Path(socket_of(self._docker_host))
        try:
            there = path.exists()
        except OSError:
            there = True
        if not there:
            return f"no Docker Engine at {path}: {INSTALL_HINT}"
        try:
            with path.open("rb"):
                pass
        except PermissionError:
            return (
                f"no permission on {path}: add this user to the socket's group (sudo usermod -aG docker $USER) "
                "and log in again"
            )
        except OSError:
            pass  # A socket cannot be opened like a file; that it was not refused is all we wanted to know.
        return f"the Docker Engine at {path} does not answer: start it (sudo systemctl start docker)"

    async def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        bound_s: float = QUICK_S,
    ) -> httpx.Response:
        with trio.move_on_after(bound_s) as scope:
            async with self._client() as client:
                response = await client.request(method, path, params=_query(params), json=body)
        if scope.cancelled_caught:
            raise DockerUnavailable(f"the Docker Engine at {self._docker_host} did not answer within {bound_s:.0f} s")
        _check(response, response.content)
        return response

    async def version(self) -> dict[str, Any]:
        """What the engine says of itself: ``Version``, ``ApiVersion``, ``Arch`` and more."""
        return _object(await self._call("GET", "/version", bound_s=10))

    async def image(self, name: str) -> dict[str, Any]:
        """Inspect an image of this machine; raises :class:`NotThere`."""
        return _object(await self._call("GET", f"/images/{name}/json"))

    async def image_tags(self) -> list[str]:
        """All names of images on this machine."""
        images = (await self._call("GET", "/images/json")).json()
        return [tag for image in images for tag in image.get("RepoTags") or []]

    async def pull(self, name: str, tag: str) -> AsyncGenerator[dict[str, Any], None]:
        """Pull an image: the engine's progress objects as they come; one with ``error`` is the last.

        ``tag`` may be a digest (``sha256:…``). An engine's refusal is a :class:`DockerRefused`.
        """
        async with self._client() as client:
            request = client.stream("POST", "/images/create", params={"fromImage": name, "tag": tag})
            async with request as response:
                await _check_stream(response)
                async for line in response.aiter_lines():
                    if line.strip():
                        yield json.loads(line)

    async def import_image(self, tar: AsyncIterable[bytes], repository: str, tag: str, changes: list[str]) -> None:
        """Make an image of one layer from a tar stream; ``changes`` are Dockerfile instructions (``CMD …``)."""
        async with self._client() as client:
            response = await client.post(
                "/images/create",
                params=httpx.QueryParams([
                    ("fromSrc", "-"), ("repo", repository), ("tag", tag), *(("changes", c) for c in changes),
                ]),
                content=tar,
            )  # fmt: skip
        _check(response, response.content)
        for line in response.text.splitlines():
            if line.strip() and "error" in (said := json.loads(line)):
                raise DockerRefused(f"the Docker Engine refused the image: {said['error']}", status=500)

    async def create(self, name: str, body: dict[str, Any]) -> str:
        """Create a container; its id."""
        return str(_object(await self._call("POST", "/containers/create", params={"name": name}, body=body))["Id"])

    async def start(self, container: str) -> None:
        """Start a container that was created."""
        await self._call("POST", f"/containers/{container}/start", bound_s=60)

    async def inspect(self, container: str) -> dict[str, Any]:
        """Everything the engine knows of a container."""
        return _object(await self._call("GET", f"/containers/{container}/json"))

    async def set_cpus(self, container: str, cpus: float) -> None:
        """Change a running container's share."""
        await self._call("POST", f"/containers/{container}/update", body={"NanoCpus": int(cpus * 1e9)})

    async def remove(self, container: str) -> None:
        """Kill and remove a container with its volumes, and wait until it is gone. Gone before is fine."""
        try:
            await self._call("DELETE", f"/containers/{container}", params={"force": 1, "v": 1}, bound_s=60)
        except NotThere:
            return
        except DockerRefused as error:
            if error.status != 409:
                raise
            # It removes itself at this moment (AutoRemove): wait until that is done.
            try:
                await self._call("POST", f"/containers/{container}/wait", params={"condition": "removed"}, bound_s=60)
            except NotThere:
                return

    async def list_labelled(self, *labels: str) -> list[dict[str, Any]]:
        """Containers in any state that carry all of ``labels`` (``name`` or ``name=value``)."""
        filters = json.dumps({"label": list(labels)})
        found = (await self._call("GET", "/containers/json", params={"all": 1, "filters": filters})).json()
        return list(found)

    async def volumes_labelled(self, label: str) -> list[dict[str, Any]]:
        """Volumes no container uses that carry ``label`` (``name`` or ``name=value``)."""
        filters = json.dumps({"label": [label], "dangling": ["true"]})
        return list(_object(await self._call("GET", "/volumes", params={"filters": filters})).get("Volumes") or [])

    async def remove_volume(self, name: str) -> None:
        """Remove a volume; gone before, or in use again, is fine."""
        try:
            await self._call("DELETE", f"/volumes/{name}")
        except DockerRefused as error:
            if error.status not in {404, 409}:
                raise

    async def put_archive(self, container: str, path: str, tar: AsyncIterable[bytes]) -> None:
        """Unpack a tar stream below ``path``, which must be in a volume where the root is read-only."""
        async with self._client() as client:
            response = await client.put(f"/containers/{container}/archive", params={"path": path}, content=tar)
        _check(response, response.content)

    @asynccontextmanager
    async def attached_stdin(self, container: str) -> AsyncIterator[WriteInput]:
        """Hold the container's standard input open; it sees its end when this is left, or when this process dies."""
        headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
        params = {"stream": 1, "stdin": 1}
        async with self._client() as client:
            request = client.stream("POST", f"/containers/{container}/attach", params=params, headers=headers)
            async with request as response:
                if response.status_code != 101:
                    await _check_stream(response)
                stream = response.extensions["network_stream"]

                async def write(data: bytes) -> None:
                    try:
                        await stream.write(data, timeout=QUICK_S)
                    except httpcore.NetworkError as error:
                        raise DockerUnavailable("the Docker Engine closed a sandbox's standard input") from error

                yield write

    async def exec_create(
        self, container: str, command: list[str], *, user: str, env: Mapping[str, str], fed: bool = False
    ) -> str:
        """Prepare a command in /workspace/data; the exec's id. ``fed``: it has a standard input (:meth:`exec_fed`)."""
        body = {
            "Cmd": command,
            "User": user,
            "Env": [f"{name}={value}" for name, value in env.items()],
            "WorkingDir": "/workspace/data",
            "AttachStdout": True,
            "AttachStderr": True,
            "AttachStdin": fed,
            "Tty": False,
            "Privileged": False,
        }
        return str(_object(await self._call("POST", f"/containers/{container}/exec", body=body))["Id"])

    @asynccontextmanager
    async def stats(self, container: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """What a container uses, once a second until it ends; each sample has the one before it along."""
        async with self._client() as client:
            request = client.stream("GET", f"/containers/{container}/stats", params={"stream": 1})
            async with request as response:
                await _check_stream(response)
                yield _objects(response)

    @asynccontextmanager
    async def exec_start(self, exec_id: str) -> AsyncIterator[AsyncIterator[tuple[int, bytes]]]:
        """Run it: an iterator of ``(stdout or stderr, bytes)`` in order of arrival. Leaving early does not stop it."""
        async with self._client() as client:
            request = client.stream("POST", f"/exec/{exec_id}/start", json={"Detach": False, "Tty": False})
            async with request as response:
                await _check_stream(response)
                yield _frames(response)

    @asynccontextmanager
    async def exec_fed(self, exec_id: str) -> AsyncIterator[Inlet]:
        """Run it and write to it. Leaving closes its standard input and does not stop it."""
        headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
        async with self._client() as client:
            request = client.stream(
                "POST", f"/exec/{exec_id}/start", json={"Detach": False, "Tty": False}, headers=headers
            )
            async with request as response:
                if response.status_code != 101:
                    await _check_stream(response)
                yield Inlet(response.extensions["network_stream"])

    async def exec_end(self, exec_id: str) -> int | None:
        """Its exit code; None when its container was gone first."""
        try:
            state = _object(await self._call("GET", f"/exec/{exec_id}/json"))
        except NotThere:
            return None
        code = state.get("ExitCode")
        return None if state.get("Running") or code is None else int(code)

    @asynccontextmanager
    async def events(self, container: str, *kinds: str) -> AsyncIterator[AsyncIterator[tuple[str, int]]]:
        """What happens to a container from now on: the names of its events (``oom``, ``die``), with the exit code."""
        filters = json.dumps({"container": [container], "type": ["container"], "event": list(kinds)})
        async with self._client() as client, client.stream("GET", "/events", params={"filters": filters}) as response:
            await _check_stream(response)
            yield _actions(response)


async def _frames(response: httpx.Response) -> AsyncIterator[tuple[int, bytes]]:
    decoder = FrameDecoder()
    async for data in response.aiter_raw():
        for frame in decoder.feed(data):
            yield frame


async def _objects(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in response.aiter_lines():
        if line.strip():
            yield dict(json.loads(line))


async def _actions(response: httpx.Response) -> AsyncIterator[tuple[str, int]]:
    async for said in _objects(response):
        yield str(said.get("Action", "")), int(said.get("Actor", {}).get("Attributes", {}).get("exitCode") or 0)


def _query(params: Mapping[str, Any] | None) -> dict[str, str] | None:
    return None if params is None else {name: str(value) for name, value in params.items()}


def _object(response: httpx.Response) -> dict[str, Any]:
    return dict(response.json())


async def _check_stream(response: httpx.Response) -> None:
    if response.status_code >= 400:
        _check(response, await response.aread())


def _check(response: httpx.Response, content: bytes) -> None:
    status = response.status_code
    if status < 400:
        return
    try:
        said = str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        said = beginning(content.decode("utf-8", "replace"), 300) or f"HTTP {status}"
    if status == 404:
        raise NotThere(said, status=status)
    raise DockerRefused(said, status=status)
