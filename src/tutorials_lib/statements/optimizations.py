"""What the source document says that JAX is, and its four optimizations."""

from tutorials_lib.statements import sources
from tutorials_lib.statements.kinds import Place, Statement, Verdict

_WHY_JAX = "jax_and_numpy/why_jax"

INTRODUCTION = (
    Statement(
        part="introduction",
        quote="JAX (Just After eXecution)",
        verdict=Verdict.HOLDS,
        truth="{cite:t}`frostig2018compiling`, who introduced JAX, explain its name this way.",
        shown=(Place(_WHY_JAX, "know-the-name"),),
    ),
    Statement(
        part="introduction",
        quote="is a numerical computing library developed by Google",
        verdict=Verdict.CONDITION,
        truth="JAX began at Google, and today it is an open project with contributors from Google, "
        "NVIDIA and elsewhere.",
        shown=(Place(_WHY_JAX, "know-the-name"),),
        settled=(sources.ABOUT,),
    ),
    Statement(
        part="introduction",
        quote="combines the familiarity of NumPy with the power of automatic differentiation and "
        "GPU/TPU acceleration",
        verdict=Verdict.HOLDS,
        truth="`jax.numpy` follows NumPy, `jax.grad` differentiates what is written with it, and "
        "the same program runs on a CPU, a GPU or a TPU.",
        shown=(
            Place("jax_and_numpy/transformations", "begin-with-one-function"),
            Place(_WHY_JAX, "know-the-name"),
        ),
        settled=(sources.THINKING,),
    ),
    Statement(
        part="introduction",
        quote="JAX provides a set of transformations that can be applied to Python functions to "
        "optimize their performance.",
        verdict=Verdict.CONDITION,
        truth="The functions have to be pure, and not every transformation "
        "is there for speed: `grad` makes a function that computes a derivative.",
        shown=(
            Place("jax_and_numpy/transformations", "know-what-cannot-be-traced"),
            Place(_WHY_JAX, "what-holds-then"),
        ),
        settled=(sources.CONCEPTS,),
    ),
)
"""The statements on what JAX is."""

OPTIMIZATIONS = (
    Statement(
        part="optimizations",
        number=1,
        quote="JAX can compile Python functions to native machine code using XLA (Accelerated "
        "Linear Algebra), resulting in faster execution times.",
        verdict=Verdict.CONDITION,
        truth="What is compiled are the array operations that a pure function performs, recorded "
        "once for each combination of shapes and types, and how much faster they run depends on "
        "what they are.",
        shown=(
            Place("jax_and_numpy/execution", "catch-python-running-once"),
            Place(_WHY_JAX, "compile"),
        ),
        settled=(sources.JIT, sources.TRACING),
    ),
    Statement(
        part="optimizations",
        number=2,
        quote="JAX allows for efficient computation of gradients through a technique called "
        "automatic differentiation.",
        verdict=Verdict.HOLDS,
        truth="`jax.grad` is exact up to rounding, and needs one pass forward and one back, "
        "however many inputs there are.",
        shown=(
            Place("jax_and_numpy/transformations", "count-what-a-gradient-costs"),
            Place(_WHY_JAX, "differentiate"),
        ),
        settled=(sources.AUTODIFF_COST,),
    ),
    Statement(
        part="optimizations",
        number=2,
        quote="This is particularly useful for machine learning and optimization tasks.",
        verdict=Verdict.HOLDS,
        truth="The networks of this book are trained by it, and an arm of rods finds its way to a "
        "target by it.",
        shown=(
            Place("jax_and_numpy/models", "turn-gradients-into-steps"),
            Place("jax_and_numpy/transformations", "compose-them"),
        ),
        settled=(sources.AUTODIFF,),
    ),
    Statement(
        part="optimizations",
        number=3,
        quote="JAX promotes writing code in a vectorized style, which can lead to significant "
        "performance improvements by leveraging parallelism.",
        verdict=Verdict.CONDITION,
        truth="It does so compared with a loop, in either library; what JAX adds to NumPy is "
        "`vmap`, which vectorizes a function that was written for one example.",
        shown=(
            Place(_WHY_JAX, "vectorize"),
            Place("performance/why_speedups_differ", "vectorization-and-parallelization"),
        ),
        settled=(sources.VECTORIZATION,),
    ),
    Statement(
        part="optimizations",
        number=4,
        quote="JAX enables easy parallelization of numerical computations across multiple devices, "
        "such as GPUs and TPUs",
        verdict=Verdict.HOLDS,
        truth="A training step that was written for one device runs on eight, to the same result, "
        "once its batch is spread over them.",
        shown=(
            Place("jax_and_numpy/devices", "train-on-all-of-them"),
            Place(_WHY_JAX, "spread-over-devices"),
        ),
        settled=(sources.PARALLEL,),
    ),
    Statement(
        part="optimizations",
        number=4,
        quote="without requiring explicit management of device memory",
        verdict=Verdict.FAILS,
        truth="JAX allocates and frees memory by itself; on which device an array lies, which "
        "memory is given away and how much of a GPU is taken are for the program to say.",
        shown=(
            Place(_WHY_JAX, "spread-over-devices"),
            Place("jax_and_numpy/devices", "know-what-changes-elsewhere"),
            Place("jax_and_numpy/updates", "give-the-memory-away"),
        ),
        settled=(sources.GPU_MEMORY, sources.DONATION),
    ),
)
"""The four optimizations."""
