"""The support bundle: whole, private, and never with a secret in it, however it would get there."""

from __future__ import annotations

import io
import json
import stat
import tarfile

import pytest

from chorus_tui.engine.runtime.bundle import gathering, secrets
from chorus_tui.engine.runtime.bundle.gathering import ASKED, CannotWrite, bundle
from chorus_tui.engine.runtime.bundle.secrets import SecretLeft
from chorus_tui.engine.shhh.redactor import Redactor

KEY = "0123456789abcdef" * 4
TOKEN = "chorus-admin-abcdefghijklmnopqrstuvwxyz"
CRASH = "crashes/crash-20260101T000000.0-1.json"
AGE = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data folder whose engine left its log, and that log holds everything it should not."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    for name, text in {
        "api.tokens": f"# tokens\nadmin {TOKEN}\n",
        "age.key": f"{AGE}\n",
        "identity.key": "i" * 64,
    }.items():
        (data / name).write_text(text)
        (data / name).chmod(0o600)
    (data / "engine.log").write_text(
        f"key {KEY}\ntoken {TOKEN}\nage {AGE}\nAuthorization: Bearer abcdef0123456789abcdef\nwell\n"
    )
    # As one of another program might be: this one redacts what it writes there.
    (data / "crashes").mkdir()
    (data / CRASH).write_text(json.dumps({"errors": [{"words": f"no {TOKEN}"}]}))
    return data


def environment(folder, **more) -> dict[str, str]:
    return {
        "CHORUS_LICENSE_ID": "dev-a-licence", "CHORUS_NETWORK_KEY": KEY, "CHORUS_DATA_DIR": str(folder), "CHORUS_AGENT_MAX_TASKS": "0",
        "DOCKER_HOST": f"unix://{folder}/none.sock", "CHORUS_P2P_PORT": "0", "CHORUS_API_PORT": "0", "CHORUS_HEALTH_PORT": "0", **more,
    }  # fmt: skip


def unpacked(file) -> dict[str, str]:
    """The parts of a bundle."""
    with tarfile.open(file) as archive:
        return {
            entry.name.removeprefix("chorus-support/"): archive.extractfile(entry).read().decode()
            for entry in archive.getmembers()
        }


@pytest.mark.parametrize("more", [{}, {"CHORUS_P2P_PORT": "wrong"}, {"CHORUS_NETWORK_KEY": f"{KEY} too long"}])
async def test_it_is_whole_private_and_without_a_secret(folder, tmp_path, more):
    """Also when the settings cannot be used: then that is what it shows. What no engine answers says so."""
    target = tmp_path / "b.tar.gz"
    answer = await bundle("agent", environment(folder, **more), None, str(target))
    parts = unpacked(target)

    assert (
        set(parts) == set(answer.parts) == {"versions.json", "config.json", "doctor.json", "engine.log", CRASH, *ASKED}
    )
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert answer.size == target.stat().st_size
    for secret in (KEY, TOKEN, AGE, "dev-a-licence", "abcdef0123456789abcdef"):
        assert secret not in "".join(parts.values())
    assert parts["engine.log"].endswith("well\n")
    assert parts["health.json"] == gathering.NO_ENGINE
    assert json.loads(parts["versions.json"])["packages"]["trio"]
    if more.get("CHORUS_P2P_PORT"):
        assert "CHORUS_P2P_PORT" in json.loads(parts["config.json"])["problems"][0]


async def test_it_says_why_the_assignment_could_not_be_read(folder, tmp_path):
    """Nobody answers there: the settings are shown without it, and the reason with them."""
    nobody = environment(folder, ASSIGN_URL="http://127.0.0.1:1/agent.json", CHORUS_ASSIGN_TIMEOUT_S="1")
    await bundle("agent", nobody, None, str(tmp_path / "b.tar.gz"))
    warnings = json.loads(unpacked(tmp_path / "b.tar.gz")["config.json"])["warnings"]

    assert [warning for warning in warnings if warning.startswith("ASSIGN_URL: 127.0.0.1:1: ")]


@pytest.mark.parametrize(
    "leak", [KEY, TOKEN, AGE, f"-----BEGIN {'RSA '}PRIVATE KEY-----\nabc", "password=hunter2hunter2"]
)
async def test_nothing_is_written_when_a_secret_is_left(folder, tmp_path, monkeypatch, leak):
    """If the first net had a hole: the part is named, the secret is not, and no file is left."""
    monkeypatch.setattr(gathering.Redactor, "text", _without(gathering.Redactor.text))
    monkeypatch.setattr(gathering, "search", lambda parts, known, _: secrets.search(parts, known, Whole(known)))
    (folder / "engine.log").write_text(leak)

    with pytest.raises(SecretLeft, match=r"^engine\.log holds ") as caught:
        await bundle("agent", environment(folder), None, str(tmp_path / "b.tar.gz"))
    assert leak not in str(caught.value)
    assert not (tmp_path / "b.tar.gz").exists()


async def test_an_existing_file_is_not_overwritten(folder, tmp_path):
    """The way out is named."""
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(CannotWrite, match="--to"):
        await bundle("agent", environment(folder), None, str(tmp_path / "mine"))

    assert (tmp_path / "mine").read_text() == "precious"


def test_a_pack_holds_any_text():
    """Surrogates and nothing at all included."""
    parts = {"a": "", "b": "\udcff", "c": "ü" * 1000}
    with tarfile.open(fileobj=io.BytesIO(gathering.packed(parts))) as archive:
        assert [entry.name for entry in archive.getmembers()] == [f"chorus-support/{name}" for name in parts]


class Whole(Redactor):
    """A redactor that works, beside one that was broken for the test."""

    text = Redactor.text


def _without(_text):
    """The first net with a hole as large as itself."""
    return lambda _self, text, *_where: text
