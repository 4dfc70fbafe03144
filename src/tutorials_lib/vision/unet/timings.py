"""What the bars of the comparison say about the reason."""

from tutorials_lib.benchmark.reasons import lead_reason
from tutorials_lib.benchmark.record import Record

STEPS = ("running the same operations in XLA", "compiling them into one program")
"""From bar to bar of the waterfall."""


def explain(record: Record) -> str:
    """The reason by the bars: what XLA's operations gain one by one, and what their fusion adds."""
    return lead_reason(record, STEPS)
