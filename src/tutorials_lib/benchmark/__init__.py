"""Compare the NumPy and JAX versions of a tutorial, and measure them.

On a page:

    agreement = benchmark.agree("kmeans")
    result = benchmark.measure("kmeans", quality=benchmark.Quality(...))

On the command line: `python -m tutorials_lib.benchmark --help`.

Importing this package applies the settings of `tutorials_lib.runtime`, so it comes before the
first JAX computation.
"""

from tutorials_lib import runtime

runtime.configure()

from tutorials_lib.benchmark.agreement import AgreementError
from tutorials_lib.benchmark.comparison import Check, Comparison, Variant
from tutorials_lib.benchmark.machine import machine_card
from tutorials_lib.benchmark.page import agree, measure
from tutorials_lib.benchmark.record import Quality, Record
from tutorials_lib.benchmark.settings import SettingsError
from tutorials_lib.benchmark.timing import (
    compile_seconds,
    median_seconds,
    median_seconds_at_best,
    timed,
)

__all__ = [
    "AgreementError",
    "Check",
    "Comparison",
    "Quality",
    "Record",
    "SettingsError",
    "Variant",
    "agree",
    "compile_seconds",
    "machine_card",
    "measure",
    "median_seconds",
    "median_seconds_at_best",
    "timed",
]
