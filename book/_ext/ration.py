"""Spend so many seconds on a build's pages, and run the rest small: `BOOK_SECONDS`.

All pages at their full size take hours on two cores. With `BOOK_SECONDS` set, a page that nobody
has executed yet is run as the settings say while these seconds last, and with the preset `tiny`
afterwards, several at once: every cell of every page still runs, and each such page says that its
numbers mean nothing. With a store of executed pages the next build takes up where this one stopped.
"""

import os
import time
from dataclasses import dataclass, field

SECONDS = "BOOK_SECONDS"
SMALL = "tiny"


@dataclass
class Ration:
    """What one build may spend.

    Attributes:
        asked: the preset of the settings.
        seconds: how long pages are run with it; None means to the end.
        missing: the pages that had not been executed with it.
        rest_is_run: whether those that were left when the seconds were spent have been run small.
    """

    asked: str
    seconds: float | None = None
    missing: set[str] = field(default_factory=set)
    rest_is_run: bool = False
    _start: float | None = None

    @property
    def accepted(self) -> tuple[str, ...]:
        """The presets with which a page that was read before counts as up to date."""
        return (self.asked,) if self.seconds is None else (self.asked, SMALL)

    def begin(self) -> None:
        """From here on time counts."""
        self._start = time.monotonic()

    @property
    def is_spent(self) -> bool:
        """Whether the pages that are left are run small."""
        if self.seconds is None:
            return False
        return self._start is None or time.monotonic() - self._start >= self.seconds

    def preset_of(self, docname: str) -> str:
        """The preset with which the page is shown, which is about to be read."""
        return SMALL if docname in self.missing and self.is_spent else self.asked


def seconds_given() -> float | None:
    """What `BOOK_SECONDS` says, or None where it is unset or empty.

    Raises:
        ValueError: it is not a number of seconds.
    """
    text = os.environ.get(SECONDS, "")
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise ValueError(
            f"{SECONDS}={text!r}; expected seconds, such as 900, or nothing for no limit"
        )
    return seconds
