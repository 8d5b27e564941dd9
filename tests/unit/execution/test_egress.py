"""What may leave a sandbox: hosts as they are written, the request's reader, the gate. No bytes break it."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from chorus_tui.contract.hosts import Target, target
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.execution.egress import HEAD_BYTES, Allowance, Gate, HeadReader, Refused, gate, public
from chorus_tui.engine.execution.errors import HostNotAllowed

LABELS = st.from_regex(r"[a-z][a-z0-9]{0,10}(-[a-z0-9]{1,5})?", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
PORTS = st.integers(1, 65535)
LISTED = ["example.com", "127.0.0.1:8080", "[2001:db8::1]:443", "api.example.org:8443"]


def asked(line: bytes) -> Target | None:
    """What a request with this first line asks for."""
    return HeadReader().feed(line + b"\r\n\r\n")


def recased(draw: st.DrawFn, text: str) -> str:
    return "".join(c.upper() if draw(st.booleans()) else c for c in text)


@given(NAMES, PORTS, st.data())
def test_a_host_is_the_same_in_any_case_and_with_its_default_port(name, port, data):
    """Case and the port 443 are all that may be left out or differ."""
    other = recased(data.draw, name)

    assert target(f"{other}:{port}") == target(f"{name}:{port}") == Target(name, port)
    assert target(other) == Target(name, 443)
    assert target(str(target(f"{name}:{port}"))) == Target(name, port)


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "example.com.", ".example.com", "a..b", "*.example.com", "*", "https://example.com", "example.com/", "a b",
        "user@example.com", "user:pass@example.com:443", "example.com:0", "example.com:65536", "example.com:", "example.com:+1",
        "example.com:\uff1443", "example.com:443:443", "0x7f000001", "127.1", "2130706433", "0177.0.0.1", "127.0.0.01", "1.2.3.4.5",
        "1.2.3.0x4", "::1", "[::1", "[::1]x", "[fe80::1%eth0]", "[127.0.0.1]", "[]", "ex\u0430mple.com", "\uff45xample.com", "straße.de",
        "127。0。0。1", "-a.example", "a-.example", "a" * 64 + ".example", "a." * 130 + "example", "example.com\n", "exam\0ple.com",
        "example.com%2e", "example.com#x", "example.com?x", "example.com\\x",
    ],
)  # fmt: skip
def test_what_is_no_plain_host_is_refused(text):
    """Nothing that some other reader could take for another host."""
    with pytest.raises(ValueError):
        target(text)
    with pytest.raises(ValidationError):
        TaskSpec(title="t", commands=["true"], allowed_hosts=[text])


def test_a_host_in_other_letters_is_told_how_to_write_it():
    """The way out of the error; what people see and agree to is then what is reached."""
    with pytest.raises(ValueError, match=r"xn--mnchen-3ya\.example"):
        target("münchen.example")


def test_a_task_names_each_host_once_and_few():
    """Also when the same is written in two ways."""
    TaskSpec(title="t", commands=["true"], allowed_hosts=[f"h{n}.example" for n in range(16)])
    for hosts in (["a.example", "A.example:443"], [f"h{n}.example" for n in range(17)]):
        with pytest.raises(ValidationError):
            TaskSpec(title="t", commands=["true"], allowed_hosts=hosts)


@given(st.binary(max_size=200), st.lists(st.integers(1, 50), max_size=30))
@example(b"CONNECT example.com:443 HTTP/1.1\r\n\r\nrest", [1])
def test_no_bytes_break_the_reader_and_pieces_make_no_difference(data, cuts):
    """Any bytes give a target, a refusal or a wish for more; split anywhere they give the same."""

    def outcome(pieces: list[bytes]) -> object:
        reader = HeadReader()
        try:
            for n, piece in enumerate(pieces):
                if (found := reader.feed(piece)) is not None:
                    return found, reader.rest + b"".join(pieces[n + 1 :])
        except Refused as refused:
            return refused.answer()
        return None

    pieces, at = [], 0
    for cut in cuts:
        pieces.append(data[at : at + cut])
        at += cut

    assert outcome([*pieces, data[at:]]) == outcome([data])


@given(st.binary(max_size=100), st.integers(1, 4096))
def test_a_head_is_bounded(filling, size):
    """However it comes, no more than the bound and one piece is kept."""
    reader = HeadReader()
    piece = (b"CONNECT a.example:1 HTTP/1.1\r\nx: " + filling.replace(b"\r", b"") + b"x" * size)[:size]
    for _ in range(HEAD_BYTES // size):
        assert reader.feed(piece.replace(b"\n", b" ")) is None
    with pytest.raises(Refused) as refused:
        reader.feed(b"x" * (HEAD_BYTES % size + 1))
    assert refused.value.status == 431


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET http://example.com/ HTTP/1.1", 405), (b"POST example.com:443 HTTP/1.1", 405), (b"connect example.com:443 HTTP/1.1", 400),
        (b"CONNECT example.com:443", 400), (b"CONNECT  example.com:443 HTTP/1.1", 400), (b"CONNECT example.com:443 HTTP/2", 400),
        (b"CONNECT example.com HTTP/1.1", 403), (b"CONNECT user@example.com:443 HTTP/1.1", 403),
        (b"CONNECT example.com.:443 HTTP/1.1", 403), (b"CONNECT 0x7f000001:443 HTTP/1.1", 403),
        (b"CONNECT 127.1:8080 HTTP/1.1", 403), (b"CONNECT ex\xc3\xa4mple.com:443 HTTP/1.1", 400), (b"\x16\x03\x01\x02", 400),
        (b"CONNECT example.com:443 HTTP/1.1\nHost: other", 400), (b"", 400), (b"CONNECT example.com:443\t HTTP/1.1", 400),
    ],
)  # fmt: skip
def test_only_connect_with_host_and_port_is_read(line, status):
    """Everything else has its status and words."""
    with pytest.raises(Refused) as refused:
        asked(line)

    assert refused.value.status == status
    assert str(refused.value).encode() in refused.value.answer()


@given(st.sampled_from([*LISTED, "example.org", "127.0.0.1", "[::1]:443"]) | NAMES, st.booleans(), st.booleans())
def test_only_what_task_and_settings_list_passes(text, in_task, in_settings):
    """Exactly the members of both; one of them alone is not enough."""
    where = target(text)
    made = Gate(
        frozenset(map(target, LISTED)) | ({where} if in_task else set()) - (set() if in_task else {where}),
        frozenset({where} if in_settings else ()),
    )
    member = (in_task or where in set(map(target, LISTED))) and in_settings
    if member:
        made.check(where)
    else:
        with pytest.raises(Refused):
            made.check(where)


@given(NAMES, NAMES, PORTS)
def test_a_part_of_a_listed_host_or_more_than_it_does_not_pass(name, more, port):
    """No suffix, no prefix, no other port."""
    listed = frozenset({Target(name, port)})
    made = Gate(listed, listed)
    for other in (f"{more}.{name}", f"{name}.{more}", f"{more}{name}", name[1:] or "x"):
        if other != name:
            with pytest.raises(Refused):
                made.check(Target(other, port))
    with pytest.raises(Refused):
        made.check(Target(name, port % 65535 + 1))


def test_a_task_that_asks_for_more_than_settings_list_has_no_gate():
    """It names the host and the setting."""
    assert gate(["Example.com"], ["example.com:443", "other.example"]).asked == {Target("example.com", 443)}
    with pytest.raises(HostNotAllowed, match=r"example\.org:443.*CHORUS_SANDBOX_HOSTS"):
        gate(["example.com", "example.org"], ["example.com"])


INWARD = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.17.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "0.0.0.0",
    "255.255.255.255", "224.0.0.1", "168.63.129.16", "192.0.0.192", "::1", "::", "fe80::1", "fd00:ec2::254", "fc00::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1",
    "2001:0:7f00:1::", "64:ff9b:1::1", "fec0::1", "::7f00:1", "240.0.0.1", "192.88.99.1", "5f00::1", "3fff::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INWARD)
def test_a_name_that_leads_inward_does_not_pass(address):
    """Loopback, private, link-local, multicast, metadata, also within an IPv6 address; with the literal listed it does."""
    where = Target("example.com", 443)
    plain = Gate(frozenset({where}), frozenset({where}))
    literal = Gate(frozenset({where}), frozenset({where, Target(str(ip_address(address)), 443)}))
    beside = Gate(frozenset({where}), frozenset({where, Target(str(ip_address(address)), 80)}))

    assert not public(ip_address(address))
    for made in (plain, beside):
        with pytest.raises(Refused):
            made.passing(where, [address])
    assert plain.passing(where, [address, "93.184.215.14", address]) == [ip_address("93.184.215.14")]
    assert literal.passing(where, [address]) == [ip_address(address)]


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_addresses_of_the_internet_pass(address):
    """Also one that stands within a translated address."""
    assert public(ip_address(address))


@given(st.ip_addresses())
def test_what_passes_belongs_to_the_internet_at_large(address):
    """Whatever address a name leads to: global and for one receiver, or refused."""
    if public(address):
        assert address.is_global
        assert not (address.is_private or address.is_loopback or address.is_link_local or address.is_multicast)


def test_nothing_found_and_addresses_with_a_zone_do_not_pass():
    """A name that leads nowhere is refused in words."""
    where = Target("example.com", 443)
    for found in ([], ["fe80::1%2"]):
        with pytest.raises(Refused, match="nowhere"):
            Gate(frozenset({where}), frozenset({where})).passing(where, found)


@given(st.lists(st.integers(0, 100), max_size=30))
def test_an_allowance_never_lets_more_through_than_it_has(pieces):
    """Once a piece did not fit nothing does any more."""
    allowance, carried = Allowance(500), 0
    for piece in pieces:
        spent = allowance.spent
        if allowance.take(piece):
            carried += piece
            assert not spent or piece == 0

    assert carried <= 500
    assert allowance.spent == (allowance.used >= 500)
