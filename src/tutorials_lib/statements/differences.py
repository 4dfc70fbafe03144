"""The four differences between JAX and NumPy that the source document names."""

from tutorials_lib.statements import sources
from tutorials_lib.statements.kinds import Place, Statement, Verdict

DIFFERENCES = (
    Statement(
        part="differences",
        quote="JAX is designed to be familiar to NumPy users, there are some key differences "
        "between the two libraries",
        verdict=Verdict.HOLDS,
        truth="`jax.numpy` follows NumPy, and there are further differences: random keys, number "
        "types, control flow and what lies out of bounds.",
        shown=(Place("jax_and_numpy/porting", "look-up-a-habit"),),
        settled=(sources.BOUNDS_AND_MORE,),
    ),
    Statement(
        part="differences",
        number=1,
        quote="JAX introduces a set of function transformations (e.g., `jit`, `grad`, `vmap`) that "
        "can be applied to Python functions to optimize their performance and enable automatic "
        "differentiation.",
        verdict=Verdict.CONDITION,
        truth="The functions have to be pure: their results depend on their arguments "
        "alone, and they change nothing outside.",
        shown=(
            Place("jax_and_numpy/transformations", "know-what-cannot-be-traced"),
            Place("jax_and_numpy/debugging", "keep-functions-pure"),
        ),
        settled=(sources.CONCEPTS,),
    ),
    Statement(
        part="differences",
        number=1,
        quote="NumPy does not have built-in support for such transformations.",
        verdict=Verdict.HOLDS,
        truth="In NumPy a gradient is derived on paper or approximated, and a further axis means "
        "another function.",
        shown=(
            Place("jax_and_numpy/transformations", "differentiate"),
            Place("jax_and_numpy/transformations", "add-an-axis"),
        ),
    ),
    Statement(
        part="differences",
        number=2,
        quote="NumPy operates in an eager execution mode, where operations are executed "
        "immediately.",
        verdict=Verdict.HOLDS,
        truth="A call of NumPy returns when its work is done.",
        shown=(Place("jax_and_numpy/execution", "see-that-calls-return-early"),),
        settled=(sources.FASTER,),
    ),
    Statement(
        part="differences",
        number=2,
        quote="JAX, on the other hand, uses a lazy execution model by default, allowing for graph "
        "optimization and compilation.",
        verdict=Verdict.FAILS,
        truth="Outside of `jax.jit`, JAX begins with every operation at once and returns before it "
        "is finished; what is optimized as a whole stands inside `jax.jit`, which has to be asked "
        "for.",
        shown=(
            Place("jax_and_numpy/execution", "see-that-nothing-is-lazy"),
            Place("jax_and_numpy/execution", "what-holds-then"),
        ),
        settled=(sources.ASYNCHRONOUS, sources.FASTER),
    ),
    Statement(
        part="differences",
        number=3,
        quote="JAX is designed to seamlessly accelerate numerical computations on GPUs and TPUs",
        verdict=Verdict.HOLDS,
        truth="The program stays as it is, and JAX runs it on the accelerator that it finds.",
        shown=(Place("jax_and_numpy/devices", "know-what-changes-elsewhere"),),
        settled=(sources.THINKING,),
    ),
    Statement(
        part="differences",
        number=3,
        quote="NumPy primarily runs on CPUs",
        verdict=Verdict.HOLDS,
        truth="NumPy knows no devices; its arrays lie in the memory of the processor.",
        shown=(Place("jax_and_numpy/devices", "simulate-eight-devices"),),
        settled=(sources.FASTER,),
    ),
    Statement(
        part="differences",
        number=4,
        quote="In JAX, arrays are immutable, meaning they cannot be modified in-place.",
        verdict=Verdict.HOLDS,
        truth="An assignment to an element raises an error, and `.at[]` returns a new array "
        "instead.",
        shown=(Place("jax_and_numpy/updates", "meet-the-error"),),
        settled=(sources.IN_PLACE,),
    ),
    Statement(
        part="differences",
        number=4,
        quote="This enables better optimization and parallelization.",
        verdict=Verdict.HOLDS,
        truth="A name that never comes to mean something else lets a compiler reorder and fuse "
        "operations, and draws with a key each can happen side by side.",
        shown=(
            Place("jax_and_numpy/updates", "win-something-by-it"),
            Place("jax_and_numpy/random", "compare-the-two-habits"),
        ),
    ),
    Statement(
        part="differences",
        number=4,
        quote="NumPy, on the other hand, allows mutable arrays.",
        verdict=Verdict.HOLDS,
        truth="A slice of NumPy even shares its memory with the array that it was cut from.",
        shown=(Place("jax_and_numpy/updates", "win-something-by-it"),),
        settled=(sources.IN_PLACE,),
    ),
)
"""The four differences, with the sentence that announces them."""
