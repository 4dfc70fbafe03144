"""What the bars of the comparison say about the reason."""

from tutorials_lib.benchmark.record import Record, is_tie
from tutorials_lib.benchmark.tables import format_ratio
from tutorials_lib.vision.unet.comparison import COMPARISON


def explain(record: Record) -> str:
    """The reason by the bars: what XLA's operations gain one by one, and what their fusion adds."""
    medians = [
        record.headline_size.timing(variant.name).seconds.median for variant in COMPARISON.variants
    ]
    return lead_reason(*medians, tie=is_tie(record.ratio))


def lead_reason(numpy: float, one_by_one: float, compiled: float, *, tie: bool) -> str:
    """Which of the two steps of the waterfall gained more, for a win, a tie or a loss."""
    gains = {
        "running the same operations in XLA": numpy / one_by_one,
        "compiling them into one program": one_by_one / compiled,
    }
    lead, other = sorted(gains, key=lambda name: gains[name], reverse=True)
    bars = ", ".join(f"{name} {format_ratio(gain)}" for name, gain in gains.items())
    if tie:
        return (
            f"It is a tie: by the bars ({bars}), the two steps together come to about one. "
            "What lies between the products is worth little where the products take the time."
        )
    if numpy < compiled:
        return f"JAX is slower: by the bars ({bars}), {lead} does not make up for {other}."
    both = " The other step gains too." if gains[other] > 1 else " The other step costs time."
    return f"JAX is faster, and by the bars the gain comes from {lead} ({bars}).{both}"
