"""What a build prints: of all that Jupyter Book says, what a person wants to read."""

import io
import os
import re
from typing import TextIO

from tools import ROOT

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_NOISE = re.compile(
    r"""
      ^\s*$ | ^=+$
    | ^Running\ (Jupyter-Book|Sphinx) | ^(Source\ Folder|Config\ Path|Output\ Path):
    | ^\[etoc\] | ^(myst|myst-nb|sphinx-[\w-]+)\ v[\d.]+: | ^Using\ jupyter-cache | ^done$
    | ^The\ dummy\ builder\ generates\ no\ files
    | ^(loading|making|building|updating|reading|looking|pickling|checking|preparing|copying)\b
    | ^(writing|generating|dumping|highlighting|processing|no\ targets|build\ (finished|succeeded))
    | ^(resolving\ references|dumping|adding|embedding|The\ (HTML\ pages|LaTeX\ files)\ )
    | ^(parsing\ bibtex\ file|Updating\ \d+\ file\(s\)\ with\ execution\ table)
    | ^Run\ 'make' | ^\(use\ [`']make | ^Finished\ generating | ^Your\ book's | ^_build/
    | ^You\ can\ look | ^Or\ paste\ this | ^file:// | ^Building\ your\ book,\ returns
    | ^There\ was\ an\ error\ in\ building\ your
    | ^Copying\ the\ source\ path\ .*\ will\ overwrite\ data
    | ^.+?:\ (Using\ cached|Cached\ executed)\ notebook
    | ^\#\ \d{4}-.*\ INFO\ traitlets\ .*\ --\ Executing\ notebook\ with\ kernel
    """,
    re.VERBOSE,
)
_READING = re.compile(r"^reading sources\.\.\. \[ *(\d+)%\] (\S+)")
_PLANNED = re.compile(r"^to execute: (?P<path>.+), (?P<seconds>[\d.]+|None) s$")
_RUNNING = re.compile(r"^(?P<path>.+?): Executing notebook using")
_RAN = re.compile(r"^(?P<path>.+?): Executed notebook in (?P<seconds>[\d.]+) seconds")


class Reporter(io.TextIOBase):
    """Stands in for standard output: prints what a person wants to read, logs everything."""

    def __init__(self, terminal: TextIO, log: TextIO) -> None:
        super().__init__()
        self.terminal, self.log = terminal, log
        self.executed = 0
        self._rest = ""
        self._num_planned = 0
        self._left: dict[str, float | None] = {}

    def write(self, text: str) -> int:
        """Take any piece of text; whole lines are judged, the rest waits for its end."""
        *lines, self._rest = (self._rest + text).replace("\r", "\n").split("\n")
        for line in lines:
            plain = _ANSI.sub("", line).rstrip()
            print(plain, file=self.log, flush=True)
            self._line(plain)
        return len(text)

    def flush(self) -> None:
        """Nothing: whole lines are passed on at once."""

    def close(self) -> None:
        """Nothing: a logging handler that has kept this stream closes it when Python ends."""

    def _line(self, line: str) -> None:
        if match := _PLANNED.match(line):
            self._num_planned += 1
            known = match["seconds"] != "None"
            self._left[match["path"]] = float(match["seconds"]) if known else None
        elif match := _RUNNING.match(line):
            place = self._place(match["path"])
            self._say(f"  running {_page_name(match['path'])}{place} ...")
        elif match := _RAN.match(line):
            self.executed += 1
            self._say(f"  {_page_name(match['path'])} ran in {float(match['seconds']):.1f} s")
        elif not _NOISE.match(line.strip()) and not _READING.match(line):
            self._say(line.replace(f"{ROOT}{os.sep}", ""))

    def _place(self, path: str) -> str:
        """Which of the pages that will run this is, and for how long they took the last time."""
        if path not in self._left:
            return ""
        place = f", page {self._num_planned - len(self._left) + 1} of {self._num_planned}"
        known = [seconds for seconds in self._left.values() if seconds is not None]
        if known:  # pages that have never run are taken for average ones
            place += f", about {_duration(len(self._left) * sum(known) / len(known))} left"
        del self._left[path]
        return place

    def _say(self, line: str) -> None:
        print(line, file=self.terminal, flush=True)


def _page_name(path: str) -> str:
    return path.removeprefix(f"{ROOT}{os.sep}")


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
