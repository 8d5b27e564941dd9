"""Keys of persons that sign as ssh-keygen does, without a process for each signature. That both agree: unit/protocol/test_sshsig.py."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

from nacl.signing import SigningKey

NAMESPACE = "chorus-vote"


def made_by_openssh(file: Path, *options: str) -> Path:
    """A key by the real program: the private one in ``file``, the public one beside it."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(file), *options], check=True)
    return file


def string(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


@dataclass(frozen=True)
class Key:
    """An ed25519 key; ``n`` is its seed."""

    n: int

    @property
    def blob(self) -> bytes:
        return string(b"ssh-ed25519") + string(bytes(SigningKey(bytes([self.n]) * 32).verify_key))

    @property
    def public(self) -> str:
        return f"ssh-ed25519 {base64.b64encode(self.blob).decode()}"

    def sign(self, text: str, namespace: str = NAMESPACE) -> str:
        """In one line."""
        inner = b"".join((string(namespace.encode()), string(b""), string(b"sha512")))
        message = b"SSHSIG" + inner + string(hashlib.sha512(text.encode()).digest())
        raw = SigningKey(bytes([self.n]) * 32).sign(message).signature
        whole = (
            b"SSHSIG"
            + (1).to_bytes(4, "big")
            + string(self.blob)
            + inner
            + string(string(b"ssh-ed25519") + string(raw))
        )
        return base64.b64encode(whole).decode()


def hardware(text: str, flags: int, seed: bytes = b"\7" * 32) -> tuple[str, str]:
    """What a key in hardware answers, touched or not: its public key and its signature."""
    kind, application, secret = b"sk-ssh-ed25519@openssh.com", b"ssh:", SigningKey(seed)
    blob = string(kind) + string(bytes(secret.verify_key)) + string(application)
    inner = (string(NAMESPACE.encode()), string(b""), string(b"sha512"))
    message = b"SSHSIG" + b"".join(inner) + string(hashlib.sha512(text.encode()).digest())
    counted = bytes([flags]) + (9).to_bytes(4, "big")
    raw = secret.sign(hashlib.sha256(application).digest() + counted + hashlib.sha256(message).digest()).signature
    whole = (
        b"SSHSIG"
        + (1).to_bytes(4, "big")
        + string(blob)
        + b"".join(inner)
        + string(string(kind) + string(raw) + counted)
    )
    return f"{kind.decode()} {base64.b64encode(blob).decode()}", base64.b64encode(whole).decode()
