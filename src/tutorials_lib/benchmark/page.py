"""What a page calls: the gate as a table, the measurement as a record in the notebook."""

import sys

from tutorials_lib.benchmark.agreement import agree as run_gate
from tutorials_lib.benchmark.alone import silent
from tutorials_lib.benchmark.fresh import load_comparison
from tutorials_lib.benchmark.record import AgreementRow, Quality
from tutorials_lib.benchmark.report import AgreementTable, RecordView, Result
from tutorials_lib.benchmark.runner import measure_comparison

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

    The gate runs first unless `agree` has just run it on this page. While another process
    measures on this machine it waits, and says so where there is no page.

    Args:
        slug: the tutorial's name in the catalog.
        quality: what the page reached on held-out data, beside its baselines.

    Raises:
        AgreementError: when the twins, or two variants, do not agree. Nothing is timed then.
        SettingsError: when a setting of JAX would ruin the measurement.
    """
    on_page = "ipykernel" in sys.modules
    record = measure_comparison(
        load_comparison(slug),
        agreement=_agreed.get(slug),
        quality=quality,
        tell=silent if on_page else _tell,
    )
    result = Result(record)
    if on_page:
        from myst_nb import glue

        glue(RECORD_NAME, RecordView(record), display=False)
    return result


def _tell(words: str) -> None:
    sys.stderr.write(f"{words}\n")
