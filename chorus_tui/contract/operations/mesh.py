"""The mesh: peers, its admin, its members."""

from __future__ import annotations

from chorus_tui.contract.operations.operation import Operation, Scope

_R, _O, _A = Scope.READ, Scope.OPERATE, Scope.ADMIN

OPERATIONS: tuple[Operation, ...] = (
    Operation("peers.list", "GET", "/api/v1/peers", "common.Paged", "peers.PeerList", _R, "The peers this engine knows"),
    Operation("peers.connect", "POST", "/api/v1/peers/connect", "peers.ConnectPeer", "peers.Peer", _O, "Dial a peer by its multiaddr"),
    Operation("peers.ban", "POST", "/api/v1/peers/ban", "peers.BanPeer", "peers.Peer", _A, "Keep a peer out for a while"),
    Operation("peers.block", "POST", "/api/v1/peers/block", "peers.BlockPeer", "peers.Peer", _A, "Keep a peer out until it is unbanned"),
    Operation("peers.unban", "POST", "/api/v1/peers/unban", "peers.UnbanPeer", "peers.Peer", _A, "Let a peer in again that was kept out"),
    Operation(
        "network.invite", "POST", "/api/v1/network/invite", "common.Empty", "peers.Invitation", _A,
        "Addresses and network key for another machine",
    ),
    Operation(
        "election.status", "GET", "/api/v1/election", "common.Empty", "election.ElectionStatus", _R,
        "The admin, the voters and their scores, what a loss would mean",
    ),
    Operation(
        "election.history", "GET", "/api/v1/election/history", "common.Paged", "election.ElectionHistory", _R,
        "Every term, newest first",
    ),
    Operation(
        "election.trigger", "POST", "/api/v1/election/trigger", "election.HandOver", "election.Decided", _A,
        "Another admin, although this one is well",
    ),
    Operation(
        "election.step_down", "POST", "/api/v1/election/step-down", "election.HandOver", "election.Decided", _A,
        "As the admin, hand over to another voter",
    ),
    Operation("members.list", "GET", "/api/v1/members", "common.Paged", "election.MemberList", _R, "Who belongs to the mesh"),
    Operation(
        "members.grant", "POST", "/api/v1/members/grant", "election.GrantMember", "election.Decided", _A,
        "Grant a member an authority, a role, expertise",
    ),
    Operation(
        "members.remove", "POST", "/api/v1/members/remove", "election.RemoveMember", "election.Decided", _A,
        "Take a member out of the mesh",
    ),
    Operation(
        "members.merge", "POST", "/api/v1/members/merge", "election.MergeMesh", "election.Decided", _A,
        "This side's word that two meshes become one",
    ),
    Operation(
        "members.persons", "GET", "/api/v1/members/persons", "common.Paged", "election.PersonList", _R,
        "Persons who sign their votes with a key of their own",
    ),
    Operation(
        "members.enrol", "POST", "/api/v1/members/enrol", "election.EnrolPerson", "election.Decided", _A,
        "Enrol a person with a public key of their own",
    ),
    Operation(
        "members.withdraw", "POST", "/api/v1/members/withdraw", "election.WithdrawPerson", "election.Decided", _A,
        "Take a key from an enrolled person, or all of them",
    ),
    Operation(
        "election.refound", "POST", "/api/v1/election/refound", "election.Refound", "election.Refounded", _A,
        "Give up a mesh that lost its majority for good, and found it anew",
    ),
)  # fmt: skip
