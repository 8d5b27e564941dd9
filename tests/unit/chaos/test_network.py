"""What a machine lacks for chaos is said before anything is hurt, with the way out."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.chaos import network
from tests.chaos.network import Firewall, NoChaosHere, need


def test_missing_programs_and_rights_are_named_together(monkeypatch):
    """Neither root nor programs: one sentence names all of it, and what to install."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(shutil, "which", lambda _name: None)

    with pytest.raises(NoChaosHere, match=r"root .*, ip; install iproute2 and iptables or nftables"):
        need("ip")


def test_without_any_packet_filter_both_reasons_are_given(monkeypatch):
    """The program nft is there but its kernel module is not, and iptables is not installed: both are said."""

    def refused(*_words, **_more):
        raise NoChaosHere("nft: Could not process rule: No such file or directory")

    monkeypatch.setattr(shutil, "which", lambda name: name if name == "nft" else None)
    monkeypatch.setattr(network, "command", refused)

    with pytest.raises(NoChaosHere, match=r"drop by chance: nft: Could not process.*; iptables is not installed"):
        Firewall("anywhere")
