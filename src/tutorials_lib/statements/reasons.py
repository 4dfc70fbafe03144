"""The seven reasons for different speedups, and the closing sentences of the source document."""

from tutorials_lib.statements import sources
from tutorials_lib.statements.kinds import Place, Source, Statement, Verdict

_PAGE = "performance/why_speedups_differ"


def _reason(
    number: int,
    section: str,
    quote: str,
    verdict: Verdict,
    truth: str,
    *settled: Source,
    also: tuple[Place, ...] = (),
) -> Statement:
    """A sentence of a reason, which a section of the page on the seven reasons shows."""
    return Statement(
        part="reasons",
        number=number,
        quote=quote,
        verdict=verdict,
        truth=truth,
        shown=(Place(_PAGE, section), *also),
        settled=settled,
    )


REASONS = (
    _reason(
        1,
        "problem-size",
        "The size of the problem being solved can impact the speedup.",
        Verdict.HOLDS,
        "Every call has a fixed price, the {term}`dispatch`, which a large array pays back.",
        sources.FASTER,
    ),
    _reason(
        1,
        "problem-size",
        "JAX's benefits are more evident when working with larger datasets and more complex "
        "computations.",
        Verdict.CONDITION,
        "Size helps as long as neither library waits for memory, and as long as the time is not "
        "spent inside one large routine.",
        sources.FASTER,
    ),
    _reason(
        2,
        "hardware-utilization",
        "The speedup can vary depending on the hardware being used.",
        Verdict.HOLDS,
        "The number of cores alone changes it, because NumPy uses several of them inside "
        "{term}`BLAS` and nowhere else.",
    ),
    _reason(
        2,
        "hardware-utilization",
        "JAX is designed to take advantage of accelerators like GPUs and TPUs, so the speedup will "
        "be more significant when running on these devices compared to CPUs.",
        Verdict.CONDITION,
        "The work has to be large enough to pay for the {term}`dispatch` and the transfer; JAX's "
        "documentation has a small product for which a GPU loses against NumPy.",
        sources.BENCHMARKING,
        sources.FASTER,
    ),
    _reason(
        3,
        "vectorization-and-parallelization",
        "The extent to which the code is vectorized and parallelized can affect the speedup.",
        Verdict.HOLDS,
        "Compared with a loop in NumPy, a speedup says how slow the loop is.",
        also=(Place("performance/fooling", "6-a-weak-baseline"),),
    ),
    _reason(
        3,
        "vectorization-and-parallelization",
        "JAX's automatic vectorization and parallelization capabilities can lead to higher "
        "speedups when the code is written in a compatible style.",
        Verdict.CONDITION,
        "`vmap` vectorizes and a sharding parallelizes when a program asks for them, and "
        "vectorizing by hand helps NumPy as well.",
        sources.VECTORIZATION,
        sources.PARALLEL,
        also=(Place("jax_and_numpy/devices", "spread-an-array"),),
    ),
    _reason(
        4,
        "function-composition",
        "JAX's function transformations, such as `jit` and `vmap`, can provide significant "
        "speedups when applied to composite functions.",
        Verdict.HOLDS,
        "A compiled chain of operations can go over memory once, where NumPy goes over it at "
        "every operation.",
        sources.FASTER,
        also=(Place("jax_and_numpy/why_jax", "compile"),),
    ),
    _reason(
        4,
        "function-composition",
        "The more complex and layered the function composition, the more benefit JAX can offer.",
        Verdict.CONDITION,
        "The whole composition has to be inside one `jit`, and its size has a price: a longer "
        "program takes longer to compile.",
        sources.CONTROL,
        also=(Place("jax_and_numpy/control", "repeat"),),
    ),
    _reason(
        5,
        "data-types",
        "The speedup can be influenced by the data types used.",
        Verdict.HOLDS,
        "NumPy computes in 64-bit and JAX in 32-bit unless told otherwise, and that alone changes "
        "the ratio.",
        sources.BENCHMARKING,
        also=(Place("performance/fooling", "3-two-precisions"),),
    ),
    _reason(
        5,
        "data-types",
        "JAX is particularly efficient with float32 and float64 data types, which are commonly "
        "used in numerical computations.",
        Verdict.FAILS,
        "float64 is switched off by default and slow or missing on accelerators, and the types "
        "that accelerators are fast with are shorter than float32.",
        sources.TYPES,
        sources.DOUBLE,
        also=(Place("jax_and_numpy/types", "ask-for-the-defaults"),),
    ),
    _reason(
        6,
        "compilation-overhead",
        "JAX's JIT compilation introduces an initial overhead when a function is first called.",
        Verdict.HOLDS,
        "A function is traced and compiled at its first call, and again for every new combination "
        "of shapes, types and static arguments.",
        sources.BENCHMARKING,
        sources.CACHE,
        also=(Place("jax_and_numpy/execution", "count-the-traces"),),
    ),
    _reason(
        6,
        "compilation-overhead",
        "For small-scale problems or short-running functions, this overhead might outweigh the "
        "benefits of compilation.",
        Verdict.HOLDS,
        "Compiling pays after a number of calls, the break-even count, and never where JAX is not "
        "faster per call.",
        sources.BENCHMARKING,
    ),
    _reason(
        7,
        "numpys-own-optimization",
        "NumPy itself is a highly optimized library and can be very efficient for certain "
        "operations.",
        Verdict.HOLDS,
        "Its products go to {term}`BLAS` and its decompositions to LAPACK, which are tuned for "
        "the processor.",
        sources.FASTER,
    ),
    _reason(
        7,
        "numpys-own-optimization",
        "In some cases, the speedup achieved by using JAX might be limited if NumPy already "
        "performs well for the specific task.",
        Verdict.HOLDS,
        "A single call of a tuned routine leaves nothing to do for a compiler.",
        sources.FASTER,
        also=(Place("tabular/pca", "why"),),
    ),
)
"""The seven reasons, two sentences each."""

CLOSING = (
    Statement(
        part="closing",
        quote="may vary depending on the specific implementation, hardware, and problem size",
        verdict=Verdict.HOLDS,
        truth="All three change the ratio, and the implementation of the NumPy side is among them.",
        shown=(
            Place("performance/fooling", "see-the-eight-side-by-side"),
            Place(_PAGE, "take-this-with-you"),
        ),
    ),
    Statement(
        part="closing",
        quote="It's important to benchmark and profile the code in each specific use case to get "
        "accurate speedup measurements.",
        verdict=Verdict.HOLDS,
        truth="This book does so for every tutorial, on the machine that builds it.",
        shown=(Place("performance/measuring"), Place("performance/ledger", "the-ledger")),
        settled=(sources.BENCHMARKING,),
    ),
    Statement(
        part="closing",
        quote="It's important to benchmark and profile the code in the specific use case to get an "
        "accurate understanding of the speedup achieved by using JAX compared to NumPy.",
        verdict=Verdict.HOLDS,
        truth="A ratio holds for one machine and one size, and a profile says where it comes from.",
        shown=(
            Place("performance/measuring", "what-these-figures-cannot-say"),
            Place("performance/look_inside", "watch-it-run"),
        ),
        settled=(sources.BENCHMARKING,),
    ),
)
"""The sentences behind the tutorials and behind the reasons."""
