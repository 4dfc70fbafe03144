"""What more text and more steps make of GPT-2: too long for a page, so recorded.

`python -m tutorials_lib.sequences.gpt2.longer` trains every rung of `RUNGS`, which takes about ten
minutes on two cores, and writes `longer.json` beside this file, which the page shows.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any, NamedTuple

import jax

from tutorials_lib.benchmark.machine import machine_card
from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.files import write_json
from tutorials_lib.judge.record import evaluation_digest
from tutorials_lib.sequences.gpt2 import evaluation
from tutorials_lib.sequences.gpt2.problem import PAGE, Config

RECORD = Path(__file__).with_suffix(".json")

RUNGS = {
    "as on this page": PAGE,
    "four times the text, and as many times the steps": dataclasses.replace(
        PAGE, text_bytes=4_800_000, num_steps=2_800
    ),
}
"""Every rung by its name, from short to long; all learn from the documentation of packages."""


class Rung(NamedTuple):
    """One training, beside the best n-gram on the same text.

    Attributes:
        name: a key of `RUNGS`.
        config: what was trained, as a dict.
        num_params: the numbers that were learned.
        reached: GPT-2's bits per byte of the held-out documents.
        rival: the n-gram that needs the fewest of them.
        line: how many that needs.
        seconds: of training, without compiling.
    """

    name: str
    config: dict[str, Any]
    num_params: int
    reached: float
    rival: str
    line: float
    seconds: float


class Ladder(NamedTuple):
    """All rungs, and where they come from.

    Attributes:
        rungs: from short to long.
        machine: the machine card, with the date.
        code_digest: fingerprint of what was trained and judged.
    """

    rungs: tuple[Rung, ...]
    machine: dict[str, str]
    code_digest: str

    @property
    def is_current(self) -> bool:
        """Whether the code is the one that was measured."""
        return self.code_digest == evaluation_digest("gpt2")


def read() -> Ladder:
    """What `longer.json` holds.

    Raises:
        ValueError: it was made for other rungs than `RUNGS`.
    """
    data = json.loads(RECORD.read_text(encoding="utf-8"))
    rungs = tuple(Rung(**rung) for rung in data["rungs"])
    wanted = {name: dataclasses.asdict(config) for name, config in RUNGS.items()}
    if {rung.name: rung.config for rung in rungs} != wanted:
        raise ValueError(
            f"{RECORD} was made for other trainings than longer.RUNGS has; measure again: "
            "python -m tutorials_lib.sequences.gpt2.longer"
        )
    return Ladder(rungs, data["machine"], data["code_digest"])


def glossed(ladder: Ladder) -> dict[str, str]:
    """What the page says of them in words: when they were made, with which code, and what came."""
    passed = [rung for rung in ladder.rungs if rung.reached < rung.line]
    closest = min(ladder.rungs, key=lambda rung: rung.reached - rung.line)
    outcome = (
        f"“{passed[0].name}” is the first to pass the best n-gram of its text."
        if passed
        else f"None passes the best n-gram of its text; “{closest.name}” comes closest."
    )
    return {
        "when": f"{ladder.machine['date']}, {ladder.machine['processor']}",
        "code": "with the code that is here" if ladder.is_current else "with earlier code",
        "outcome": outcome,
    }


def table(ladder: Ladder) -> MarkdownRows:
    """A row for each rung, as the page shows them."""
    rows = [
        [
            rung.name,
            f"{rung.num_params:,}",
            f"{rung.reached:.2f}",
            f"{rung.line:.2f} ({rung.rival})",
            f"{rung.reached - rung.line:+.2f}",
        ]
        for rung in ladder.rungs
    ]
    return MarkdownRows(["Training", "parameters", "GPT-2", "best n-gram", "difference"], rows)


def climb(name: str, config: Config, *, seed: int = 0) -> Rung:
    """Train and judge one rung."""
    trained = evaluation.train(config, seed=seed)
    judgement = evaluation.judge(config, seed=seed, trained=trained)
    rival, line = judgement.strongest
    return Rung(
        name=name,
        config=dataclasses.asdict(config),
        num_params=sum(leaf.size for leaf in jax.tree.leaves(trained.params)),
        reached=judgement.value,
        rival=rival,
        line=line,
        seconds=float(trained.seconds or 0.0),
    )


def record(rungs: list[Rung]) -> None:
    """Write them with the machine that measured them."""
    found = {
        "rungs": [rung._asdict() for rung in rungs],
        "machine": machine_card(),
        "code_digest": evaluation_digest("gpt2"),
    }
    write_json(RECORD, found)


if __name__ == "__main__":
    record([climb(label, rung_config) for label, rung_config in RUNGS.items()])
