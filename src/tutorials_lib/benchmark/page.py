"""What a page calls: the gate as a table, the measurement as a record in the notebook."""

import sys

from tutorials_lib.benchmark.agreement import agree as run_gate
from tutorials_lib.benchmark.record import AgreementRow, Quality
from tutorials_lib.benchmark.report import AgreementTable, RecordView, Result
from tutorials_lib.benchmark.runner import load_comparison, measure_comparison

RECORD_NAME = "record"
"""The name under which a notebook carries its record; the book's extension looks for it."""


_agreed: dict[str, tuple[AgreementRow, ...]] = {}
"""What the gate has found in this process, so that a page runs it once."""


def agree(slug: str) -> AgreementTable:
    """Run the agreement gate of the tutorial `slug` and show its table.

    Raises:
        AgreementError: when the twins, or two variants, do not agree.
    """
    _agreed[slug] = run_gate(load_comparison(slug))
    return AgreementTable(_agreed[slug])


def measure(slug: str, *, quality: Quality | None = None) -> Result:
    """Time the tutorial `slug` once the gate is passed, and leave the record in the notebook.

    The gate runs first unless `agree` has just run it on this page.

    Args:
        slug: the tutorial's name in the catalog.
        quality: what the page reached on held-out data, beside its baselines.

    Raises:
        AgreementError: when the twins, or two variants, do not agree. Nothing is timed then.
    """
    comparison, agreement = load_comparison(slug), _agreed.get(slug)
    result = Result(measure_comparison(comparison, agreement=agreement, quality=quality))
    if "ipykernel" in sys.modules:
        from myst_nb import glue

        glue(RECORD_NAME, RecordView(result.record), display=False)
    return result
