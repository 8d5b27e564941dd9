"""Tokens: made once, private, told apart, and refused when others could have read them."""

import pytest

from chorus_tui.contract.operations import Scope
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.api.token_file import TokenFileError
from chorus_tui.engine.api.tokens import Tokens


def test_made_once_and_private(tmp_path):
    """The first start writes three tokens, mode 0600; the second reads the same ones."""
    path = tmp_path / "api.tokens"
    first = Tokens.load_or_create(path)
    second = Tokens.load_or_create(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert first.secrets() == second.secrets()
    assert len(set(first.secrets())) == 3
    assert [first.find(token).scope for token in first.secrets()] == list(Scope)


@pytest.mark.parametrize("token", ["", "x", "chorus-admin-", "\udcff", "é" * 40])
def test_wrong_token(tmp_path, token):
    """A token that is none is refused, whatever its characters."""
    with pytest.raises(Problem) as caught:
        Tokens.load_or_create(tmp_path / "t").find(token)

    assert caught.value.status == 401


def test_readable_by_others(tmp_path):
    """A file that others can read is refused, and the text says how to mend it."""
    path = tmp_path / "t"
    Tokens.load_or_create(path)
    path.chmod(0o644)

    with pytest.raises(TokenFileError, match="chmod 600"):
        Tokens.load_or_create(path)


@pytest.mark.parametrize("text", ["", "admin", "root aaaaaaaaaaaaaaaaaaaa", "read short", "read " + "a" * 20])
def test_damaged(tmp_path, text):
    """A damaged or incomplete file is an error that names it, never a door without a lock."""
    path = tmp_path / "t"
    path.write_text(text)
    path.chmod(0o600)

    with pytest.raises(TokenFileError, match=str(path)):
        Tokens.load_or_create(path)


def test_link_is_not_followed(tmp_path):
    """A symbolic link in the place of the file is refused."""
    Tokens.load_or_create(tmp_path / "t")
    (tmp_path / "link").symlink_to(tmp_path / "t")

    with pytest.raises(TokenFileError):
        Tokens.load_or_create(tmp_path / "link")


class At:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def refused(tokens, secret):
    with pytest.raises(Problem) as caught:
        tokens.find(secret)
    return caught.value.status, caught.value.title


def test_issued_token_is_found_again_after_a_restart(tmp_path):
    """An issued token has its scope, name and last use after a restart too; the file is private and holds no secret."""
    at, path = At(), tmp_path / "api.tokens"
    tokens = Tokens.load_or_create(path, at)
    token, secret = tokens.issue(Scope.OPERATE, "ci", None)
    at.now += 5
    tokens.find(secret)
    tokens.save_use()

    again = Tokens.load_or_create(path, at)
    kept = tmp_path / "api.tokens.json"

    assert (again.find(secret).scope, again.find(secret).name) == (Scope.OPERATE, "ci")
    assert dict(again.all())[token] == 1_005.0
    assert kept.stat().st_mode & 0o777 == 0o600
    assert secret not in kept.read_text()


def test_token_keeps_its_person(tmp_path):
    """Who acts with a token is known after a restart too, and of a token made before there were persons: nobody."""
    path = tmp_path / "api.tokens"
    _, secret = Tokens.load_or_create(path).issue(Scope.OPERATE, "", None, "ana")
    _, bare = Tokens.load_or_create(path).issue(Scope.OPERATE, "", None)
    again = Tokens.load_or_create(path)

    assert [again.find(one).person for one in (secret, bare)] == ["ana", ""]
    kept = tmp_path / "api.tokens.json"
    kept.write_text(kept.read_text().replace('"person"', '"other"'))
    assert Tokens.load_or_create(path).find(secret).person == ""


def test_expired_token_is_refused_at_its_time(tmp_path):
    """A token holds until its time, and not a moment longer."""
    at = At()
    tokens = Tokens.load_or_create(tmp_path / "t", at)
    token, secret = tokens.issue(Scope.READ, "", 1_010.0)
    at.now = 1_009.9
    assert tokens.find(secret) == token and tokens.holds(token.digest)

    at.now = 1_010.0
    assert refused(tokens, secret) == (401, "This token has expired")
    assert not tokens.holds(token.digest)


def test_revoked_token_is_void_for_good(tmp_path):
    """A revoked token is refused at once and after a restart, one made with the folder too; whoever watches is told."""
    path, told = tmp_path / "t", []
    tokens = Tokens.load_or_create(path, At())
    token, secret = tokens.issue(Scope.ADMIN, "", None)
    first = tokens.secrets()[0]
    tokens.on_change.append(lambda: told.append(tokens.holds(token.digest)))
    tokens.revoke(token.token_id)
    tokens.revoke(tokens.find(first).token_id)

    assert told == [False, False]
    for one in (tokens, Tokens.load_or_create(path, At())):
        assert refused(one, secret) == refused(one, first) == (401, "This token was revoked")
        assert len(one.all()) == 2


def test_a_revocation_that_cannot_be_written_is_said_and_can_be_repeated(tmp_path, monkeypatch):
    """The token opens nothing from then on, the refusal says that a restart would change that, and revoking it again, or the next save, keeps
    it: of the first tokens as of others."""
    path = tmp_path / "t"
    tokens = Tokens.load_or_create(path, At())
    secrets = [tokens.issue(Scope.ADMIN, "", None)[1], tokens.issue(Scope.READ, "", None)[1], tokens.secrets()[0]]
    ids = [tokens.find(secret).token_id for secret in secrets]
    tokens.save()
    with monkeypatch.context() as full:
        full.setattr("chorus_tui.engine.api.tokens.write_private", refuse_to_write)
        for token_id in ids:
            with pytest.raises(Problem, match="after a restart") as told:
                tokens.revoke(token_id)
            assert (told.value.status, told.value.title[:25]) == (507, "It opens nothing any more")
        with pytest.raises(Problem) as told:
            tokens.issue(Scope.READ, "", None)
        assert told.value.status == 507
    assert [refused(tokens, secret)[1] for secret in secrets] == ["This token was revoked"] * 3
    assert not {token.token_id for token, _ in tokens.all()} & set(ids)
    assert all(Tokens.load_or_create(path, At()).find(secret) for secret in secrets)

    tokens.revoke(ids[0])
    again = Tokens.load_or_create(path, At())
    assert [refused(again, secret)[0] for secret in secrets] == [401] * 3
    with pytest.raises(Problem) as told:
        tokens.revoke(ids[0])
    assert told.value.status == 404


def test_what_was_not_written_is_written_with_the_next_use(tmp_path, monkeypatch):
    """Without anybody asking again."""
    path = tmp_path / "t"
    tokens = Tokens.load_or_create(path, At())
    token, secret = tokens.issue(Scope.ADMIN, "", None)
    with monkeypatch.context() as full:
        full.setattr("chorus_tui.engine.api.tokens.write_private", refuse_to_write)
        with pytest.raises(Problem):
            tokens.revoke(token.token_id)
        with pytest.raises(TokenFileError):
            tokens.save_use()
    tokens.save_use()

    assert refused(Tokens.load_or_create(path, At()), secret)[0] == 401


def test_token_is_named_by_its_beginning(tmp_path):
    """A beginning that fits several, or none, revokes nothing."""
    tokens = Tokens.load_or_create(tmp_path / "t", At())
    for _ in range(17):
        tokens.issue(Scope.READ, "", None)
    # Seventeen of them and sixteen digits: two begin alike.
    starts = [token.digest[0] for token, _ in tokens.all()]
    several = next(start for start in starts if starts.count(start) > 1)
    with pytest.raises(Problem) as ambiguous:
        tokens.revoke(several)
    with pytest.raises(Problem) as unknown:
        tokens.revoke("zzzz")

    assert (ambiguous.value.status, unknown.value.status) == (422, 404)


@pytest.mark.parametrize("text", ["[]", "{", '{"tokens": [{"sha256": "x"}]}', '{"revoked": 3}', '{"tokens": 3}'])
def test_damaged_file_of_issued_tokens(tmp_path, text):
    """A damaged file is an error that names it."""
    path = tmp_path / "t.json"
    path.write_text(text)
    path.chmod(0o600)

    with pytest.raises(TokenFileError, match=str(path)):
        Tokens.load_or_create(tmp_path / "t")


def test_first_token_stays_revoked_however_many_follow(tmp_path, monkeypatch):
    """Its file has it still, so it is never forgotten that it was revoked; of the others the oldest are."""
    monkeypatch.setattr("chorus_tui.engine.api.tokens.MOST_REVOKED", 3)
    at, path = At(), tmp_path / "t"
    tokens = Tokens.load_or_create(path, at)
    first = tokens.secrets()[0]
    tokens.revoke(tokens.find(first).token_id)
    others = []
    for _ in range(5):
        at.now += 1
        token, secret = tokens.issue(Scope.READ, "", None)
        tokens.revoke(token.token_id)
        others.append(secret)

    for one in (tokens, Tokens.load_or_create(path, at)):
        assert refused(one, first) == (401, "This token was revoked")
        known = [refused(one, secret)[1] == "This token was revoked" for secret in others]
        assert known == [False, False, True, True, True]


def test_expired_tokens_make_room(tmp_path, monkeypatch):
    """One that expired over a day ago goes; when all places are taken the first to have expired does; one that holds never."""
    monkeypatch.setattr("chorus_tui.engine.api.tokens.MOST", 3)
    at = At()
    tokens = Tokens.load_or_create(tmp_path / "t", at)

    def names() -> list[str]:
        return [token.name for token, _ in tokens.all() if token.created_at is not None]

    tokens.issue(Scope.READ, "old", 1_010.0)
    at.now = 1_010.0 + 86_401
    tokens.issue(Scope.READ, "later", at.now + 20)
    tokens.issue(Scope.READ, "sooner", at.now + 10)
    tokens.issue(Scope.READ, "lasting", None)
    assert names() == ["later", "sooner", "lasting"]

    with pytest.raises(Problem) as full:
        tokens.issue(Scope.READ, "more", None)
    assert full.value.status == 409

    at.now += 30
    tokens.issue(Scope.READ, "more", None)
    assert names() == ["later", "lasting", "more"]


def test_only_secrets_that_open_something_are_looked_for(tmp_path, monkeypatch):
    """Of a token that was refused, revoked, has expired or could not be kept no secret stays with the redactor."""
    monkeypatch.setattr("chorus_tui.engine.api.tokens.MOST", 2)
    at, known, told = At(), set(), []
    tokens = Tokens.load_or_create(tmp_path / "t", at)

    def learn(secrets):
        told.extend(secrets)
        known.update(secrets)

    tokens.on_secret, tokens.on_void = learn, known.difference_update
    _, brief_secret = tokens.issue(Scope.READ, "brief", at.now + 10)
    lasting, lasting_secret = tokens.issue(Scope.READ, "lasting", None)
    assert known == {brief_secret, lasting_secret}

    with pytest.raises(Problem):
        tokens.issue(Scope.READ, "one too many", None)
    assert set(told) == known == {brief_secret, lasting_secret}

    at.now += 10
    _, next_secret = tokens.issue(Scope.READ, "next", None)
    assert known == {lasting_secret, next_secret}

    tokens.revoke(lasting.token_id)
    assert known == {next_secret}

    monkeypatch.setattr("chorus_tui.engine.api.tokens.write_private", refuse_to_write)
    with pytest.raises(Problem, match="cannot be kept"):
        tokens.issue(Scope.READ, "unkept", None)
    assert known == {next_secret}


def refuse_to_write(*_):
    raise TokenFileError("the disk is full")
