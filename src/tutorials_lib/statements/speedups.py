"""The reasons that the source document gives in its thirty speedup lines, and their second halves.

What the lines say is in the catalog; a verdict names one tutorial and holds for every line that
gives the same reason.
"""

from tutorials_lib import catalog
from tutorials_lib.catalog import Tutorial
from tutorials_lib.statements import sources
from tutorials_lib.statements.kinds import Place, Source, Statement, Verdict

_DEVICES = "jax_and_numpy/devices"
_WHY = "performance/why_speedups_differ"


def _by_number(tutorials: tuple[Tutorial, ...]) -> tuple[Tutorial, ...]:
    return tuple(sorted(tutorials, key=lambda tutorial: tutorial.number))


def _reason(
    slug: str, verdict: Verdict, truth: str, shown: tuple[Place, ...], *settled: Source
) -> Statement:
    """The verdict on the reason that the line of `slug` gives, and on every line like it."""
    reason = catalog.find(slug).claimed_reason
    same = tuple(each for each in catalog.TUTORIALS if each.claimed_reason == reason)
    return Statement(
        part="speedups",
        quote=reason,
        verdict=verdict,
        truth=truth,
        shown=shown,
        settled=settled,
        tutorials=_by_number(same),
    )


def contradicts_itself(tutorial: Tutorial) -> bool:
    """Whether the factor between the two units of a line lies outside the line's own range."""
    low, high = tutorial.claim
    factor = tutorial.implied_factor
    return factor is not None and not low <= factor <= high


def _changes() -> Statement:
    """The second halves that name two units, which imply a factor."""
    implied = {each: each.implied_factor for each in catalog.TUTORIALS}
    factors = {each: factor for each, factor in implied.items() if factor is not None}
    consistent = [each for each in factors if not contradicts_itself(each)]
    return Statement(
        part="speedups",
        quote=catalog.find("cnn").claimed_change,
        verdict=Verdict.CONDITION if consistent else Verdict.FAILS,
        truth=f"{len(factors)} lines end like this, and {len(consistent) or 'none'} of them "
        "states a range that contains the factor between its two units, which is "
        f"{min(factors.values()):,.0f} to {max(factors.values()):,.0f}.",
        shown=(Place("performance/ledger", "the-ledger"),),
        tutorials=_by_number(tuple(factors)),
    )


SPEEDUPS = (
    _reason(
        "cnn",
        Verdict.CONDITION,
        "The line gives no further reason; what JAX can save in this network lies between the "
        "products of its convolutions.",
        (Place("vision/cnn", "why"),),
    ),
    _reason(
        "dqn",
        Verdict.CONDITION,
        "Compiling saves calls and passes over memory, so it is a reason where there are many of "
        "them, and not where one routine of a library does most of the work.",
        (Place("reinforcement/dqn", "why"), Place("tabular/pca", "why")),
        sources.JIT,
        sources.FASTER,
    ),
    _reason(
        "rnn_sentiment",
        Verdict.FAILS,
        "Shapes are fixed when a function is traced, so sequences are padded and the loop over "
        "them is compiled once.",
        (
            Place("jax_and_numpy/execution", "count-the-traces"),
            Place("jax_and_numpy/control", "keep-shapes-fixed"),
            Place("sequences/rnn_sentiment", "sort-the-reviews-into-buckets"),
        ),
        sources.DYNAMIC_SHAPES,
        sources.CONTROL,
    ),
    _reason(
        "gpt2",
        Verdict.CONDITION,
        "It takes several devices and a program that spreads its arrays over them; a program "
        "that does not speak of devices runs on one.",
        (Place(_DEVICES, "simulate-eight-devices"), Place("sequences/gpt2", "why")),
        sources.PARALLEL,
    ),
    _reason(
        "fraud_autoencoder",
        Verdict.CONDITION,
        "On one processor, XLA may divide a pass over large arrays among the cores, while NumPy "
        "uses several cores only inside {term}`BLAS`.",
        (Place(_WHY, "hardware-utilization"),),
        sources.PARALLEL,
    ),
    _reason(
        "kmeans",
        Verdict.CONDITION,
        "On one processor it has a part where XLA divides a kernel among the cores; further "
        "devices have to be asked for.",
        (Place("tabular/kmeans", "why"), Place(_DEVICES, "spread-an-array")),
        sources.PARALLEL,
    ),
    _reason(
        "transformer",
        Verdict.CONDITION,
        "On a processor NumPy hands its products to tuned code as well, so they are a reason "
        "only on an accelerator.",
        (Place(_WHY, "numpys-own-optimization"),),
        sources.FASTER,
    ),
    _reason(
        "matrix_factorization",
        Verdict.CONDITION,
        "A single large operation runs in tuned code in either library, so on a processor the "
        "gain lies between the operations, in what a compiler can fuse.",
        (Place(_WHY, "numpys-own-optimization"), Place("generative/vae", "why")),
        sources.FASTER,
    ),
    _reason(
        "unet",
        Verdict.CONDITION,
        "NumPy has no convolution for networks, so the ratio depends on how one is built; "
        "compared with products of gathered neighbourhoods, XLA saves the gathering.",
        (Place("vision/cnn", "why"), Place("vision/style_transfer", "why")),
        sources.CONVOLUTIONS,
    ),
    _reason(
        "vae",
        Verdict.CONDITION,
        "Keys are made for draws that can be repeated and can happen side by side; what a draw "
        "costs on one processor depends on the generator.",
        (Place("generative/vae", "how-fast"), Place("jax_and_numpy/random", "know-what-it-costs")),
        sources.KEYS,
    ),
    _reason(
        "adversarial_attacks",
        Verdict.CONDITION,
        "It is a reason compared with finite differences, whose cost grows with the number of "
        "inputs; a gradient that was derived on paper needs the same arithmetic.",
        (Place("jax_and_numpy/transformations", "count-what-a-gradient-costs"),),
        sources.AUTODIFF_COST,
    ),
    _changes(),
    Statement(
        part="speedups",
        quote=catalog.find("yolo").claimed_change,
        verdict=Verdict.CONDITION,
        truth="Real time is a limit on the time for one frame, so it depends on the frame rate "
        "and the machine, and no ratio can promise it.",
        shown=(Place("performance/measuring", "what-these-figures-cannot-say"),),
        tutorials=_by_number(
            tuple(each for each in catalog.TUTORIALS if each.implied_factor is None)
        ),
    ),
)
"""One verdict for each distinct reason, and two for the second halves of the lines."""
