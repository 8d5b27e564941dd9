"""What can go wrong between the agent and Docker: each error has a ``reason`` for programs and a sentence for people.

The reason ends up in a :class:`~chorus_tui.contract.models.task_result.TaskResult`; the sentence names the way out.
"""

from __future__ import annotations


class ExecutionError(Exception):
    """A task that could not be run. ``reason`` is a stable word, ``str()`` a sentence with the way out."""

    reason = "error"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        if reason is not None:
            self.reason = reason


class DockerUnavailable(ExecutionError):
    """No engine answers: not installed, not running, no permission, or an address we cannot use."""

    reason = "docker_unavailable"


class DockerRefused(ExecutionError):
    """The engine answered with an error. ``status`` is its HTTP status."""

    reason = "docker_refused"

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class NotThere(DockerRefused):
    """The engine knows no such container, exec or image (404)."""


class ImageUnusable(ExecutionError):
    """The image cannot be had or must not be run: see ``reason``.

    One of ``image_absent``, ``image_denied``, ``image_digest_mismatch``, ``registry_unreachable``, ``registry_not_allowed``,
    ``image_too_large``, ``image_without_shell``, ``image_volumes``, ``pull_failed``, ``unknown_language``,
    ``bad_image_name``.
    """

    reason = "image_unusable"


class InputUnusable(ExecutionError):
    """The repository handed in cannot be given to a sandbox: too large, unreadable, neither folder nor bundle."""

    reason = "repository_unusable"


class HostNotAllowed(ExecutionError):
    """The task asks to be let out to a host that this agent's settings do not list."""

    reason = "host_not_allowed"


class NoForwarder(ExecutionError):
    """The image has nothing that could listen for connections on their way out."""

    reason = "no_forwarder"


class BuildRefused(ExecutionError):
    """An image that cannot be built on this machine."""

    reason = "build_refused"


class PatchRefused(ExecutionError):
    """A patch that cannot be made, applied or handed on: see ``reason``.

    One of ``patch_too_large``, ``patch_unreadable`` (the archive it comes from), ``patch_does_not_apply``,
    ``patch_failed``.
    """

    reason = "patch_failed"


class DeliveryFailed(ExecutionError):
    """A result that could not be handed over: see ``reason``.

    One of ``delivery_failed``, ``delivery_refused`` (settings or the host do not allow it), ``branch_taken``.
    """

    reason = "delivery_failed"
