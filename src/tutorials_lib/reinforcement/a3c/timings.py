"""What the bars of the page say about the reason."""

from tutorials_lib.benchmark.reasons import lead_reason
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.tables import format_ratio

STEPS = ("compiling an update", "putting all updates into one scan")
"""What leads from each bar of the waterfall to the next."""


def explain(record: Record) -> str:
    """The reason by the bars, and how the ratio goes with the number of agents."""
    first, last = record.sizes[0], record.sizes[-1]
    few, many = (
        format_ratio(size.timing(record.headline_variant).ratio.median) for size in (first, last)
    )
    return (
        f"{lead_reason(record, STEPS)} NumPy's time over JAX's is {few} with {first.label} and "
        f"{many} with {last.label}."
    )
