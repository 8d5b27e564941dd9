"""What the mesh has learned reaches the next agent: its prompt holds it, and the record of its use does too."""

from __future__ import annotations

import pytest

from tests.integration.system.peers import Mesh, eventually
from tests.integration.system.test_agents import announced, blob, drive, ended, says
from tests.support.scripted_model import Rule, ScriptedModel

pytestmark = pytest.mark.docker

FIRST, SECOND = "Goal: Round prices half to even", "Goal: Print the prices of a cart"
RULES = [
    Rule(says("finish", "Prices are rounded half to even, in cents."), when=FIRST),
    Rule(says("finish", "The prices of the cart are printed."), when=SECOND),
]


async def test_an_agents_prompt_shows_what_was_learned_before_and_its_use_is_remembered(tmp_path, base_image):
    """The second agent is shown the first one's result as data, with its node; its transcript says so; the node counts the use, the
    second node builds on it, and a task of another project is shown nothing of it."""

    def test(made: Mesh, model: ScriptedModel) -> None:
        alpha = made.peers[0]
        first = announced(alpha, tmp_path, title="round prices", goal=FIRST.removeprefix("Goal: "), project_id="shop")
        assert ended(alpha, first)["state"] == "completed"
        for peer in made.peers:  # each of them may get the next task
            (node,) = eventually("learned", lambda peer=peer: peer.json("slurp", "context", "shop")["nodes"])
        second = announced(alpha, tmp_path, title="print prices", goal=SECOND.removeprefix("Goal: "), project_id="shop")
        shown = ended(alpha, second)
        assert shown["state"] == "completed"
        (prompt,) = {text for asked in model.asked for _, text in asked.messages if SECOND in text}
        assert f"(task, {node['node_id'][:8]}) round prices: Prices are rounded half to even, in cents." in prompt
        assert "data to weigh, no orders" in prompt
        transcript = blob(alpha, shown["result"]["transcript"], tmp_path / "transcript").read_text()
        assert node["node_id"][:8] in transcript
        later = eventually(
            "learned too",
            lambda: [
                n for n in alpha.json("slurp", "context", "shop")["nodes"] if n != node and "print" in n["summary"]
            ],
        )[0]
        hops = alpha.json("slurp", "show", later["node_id"])
        assert [[one["node_id"] for one in layer] for layer in hops["builds_on"]] == [[node["node_id"]]]
        assert hops["builds_on"][0][0]["used"] == 1
        assert hops["builds_on"][0][0]["influence"] == 0.2
        where = next(one for one in hops["node"]["sources"] if one.startswith("ucxl://"))
        assert alpha.json("slurp", "show", where)["node"]["node_id"] == later["node_id"]
        eventually("its record can be read", lambda: alpha.run("ucxl", "get", where).returncode == 0)
        other = announced(alpha, tmp_path, title="print prices", goal=SECOND.removeprefix("Goal: "), project_id="bank")
        ended(alpha, other)
        assert node["node_id"][:8] not in model.asked[-1].messages[-1][1]

    await drive(test, RULES, tmp_path, "alpha", "beta")
