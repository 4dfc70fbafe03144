"""The pages of JAX's documentation that settle statements."""

from tutorials_lib.statements.kinds import Source

_GOTCHAS = "notebooks/Common_Gotchas_in_JAX.html"

ABOUT = Source("About the project", "about.html")
ASYNCHRONOUS = Source("Asynchronous dispatch", "async_dispatch.html")
AUTODIFF = Source("Automatic differentiation", "automatic-differentiation.html")
AUTODIFF_COST = Source("The autodiff cookbook", "notebooks/autodiff_cookbook.html")
BENCHMARKING = Source("Benchmarking", "benchmarking.html")
BOUNDS_AND_MORE = Source("Sharp bits", _GOTCHAS)
CACHE = Source("Persistent compilation cache", "persistent_compilation_cache.html")
CONCEPTS = Source("Key concepts", "key-concepts.html")
CONTROL = Source("Control flow", "control-flow.html")
CONVOLUTIONS = Source("Convolutions", "notebooks/convolutions.html")
DONATION = Source("Buffer donation", "buffer_donation.html")
DOUBLE = Source("Sharp bits: double precision", f"{_GOTCHAS}#double-64bit-precision")
DYNAMIC_SHAPES = Source("Sharp bits: dynamic shapes", f"{_GOTCHAS}#dynamic-shapes")
FASTER = Source("FAQ on JAX and NumPy", "faq.html#is-jax-faster-than-numpy")
GPU_MEMORY = Source("GPU memory allocation", "gpu_memory_allocation.html")
IN_PLACE = Source("Sharp bits: in-place updates", f"{_GOTCHAS}#in-place-updates")
JIT = Source("Just-in-time compilation", "jit-compilation.html")
KEYS = Source("The design of random numbers", "jep/263-prng.html")
PARALLEL = Source("Parallel programming", "parallel.html")
THINKING = Source("How to think in JAX", "notebooks/thinking_in_jax.html")
TRACING = Source("Tracing", "tracing.html")
TYPES = Source("Default types", "default_dtypes.html")
VECTORIZATION = Source("Automatic vectorization", "automatic-vectorization.html")
