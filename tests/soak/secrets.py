"""Made-up secrets by the thousand: ``python -m tests.soak secrets --count N``.

A round is a seed: twenty of every shape in ten contexts, one of every shape in a stream split at every byte, and 10,000 ids of the
mesh. It holds when at most one secret of a hundred is left in a context, none in a stream, and no id was taken for one. ``seconds`` is what
the round took of the processor.
"""

from __future__ import annotations

import argparse
import time
from random import Random

from chorus_tui.engine.shhh.redactor import Redactor
from chorus_tui.engine.shhh.stream import StreamRedactor
from tests.soak.row import Row
from tests.support.secrets import CONTEXTS, own_ids, samples, stand_in

COUNT = 20
EACH = 20
IDS = 10_000


def main(arguments: list[str]) -> int:
    """Exit code 1 when a round did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak secrets")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    asked = parser.parse_args(arguments)
    row = Row("secrets", anew=asked.anew, each=EACH, contexts=len(CONTEXTS), ids=IDS)
    while row.done < asked.count:
        began = time.process_time()
        redactor, chance = Redactor(["s3cr3t-of-this-node/with+signs"]), Random(row.done)
        left, total = in_contexts(redactor, chance)
        shown, splits = in_streams(redactor, chance)
        ids = [one for one in own_ids(chance, IDS) if redactor.text(one) != one]
        spent = round(time.process_time() - began, 2)
        faults = [*(shown[:3]), *(ids[:3]), *(left[:3] if len(left) > total / 100 else [])]
        made = {"secrets": total, "left": len(left), "splits": splits, "shown": len(shown), "ids_taken": len(ids)}
        if faults:
            row.fail("; ".join(faults), **made)
        else:
            row.add(seconds=spent, **made)
        print(row.line(asked.count), flush=True)
    return 1 if row.failed else 0


def in_contexts(redactor: Redactor, chance: Random) -> tuple[list[str], int]:
    """Rules and contexts in which something is left; how many were looked at."""
    left, total = [], 0
    for rule, text, secret in samples(chance, EACH):
        for name, context in CONTEXTS.items():
            clean = redactor.text(context(text))
            total += 1
            if stand_in(clean, secret) or "[REDACTED:" not in clean:
                left.append(f"{rule} in {name}")
    return left, total


def in_streams(redactor: Redactor, chance: Random) -> tuple[list[str], int]:
    """Rules and places at which a split shows a secret; how many splits there were."""
    shown, splits = [], 0
    for rule, text, secret in samples(chance):
        whole = f"before it\nnote {text}\nafter it".encode()
        for cut in range(len(whole)):
            stream = StreamRedactor(redactor)
            out = (stream.feed(whole[:cut]) + stream.feed(whole[cut:]) + stream.flush()).decode()
            splits += 1
            if secret in out or not (out.startswith("before it\n") and out.endswith("after it")):
                shown.append(f"{rule} split at {cut}")
    return shown, splits
