"""What `python -m tutorials_lib.judge` found, as plain data: the site shows it.

`record.schema.json` beside this file is the same, for readers in other languages; a test keeps
the two equal. A record that the site shows is committed in the folder that `STORED` names for its
data. It has scores, names and checksums, and nothing of the data themselves.
"""

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tutorials_lib import presets
from tutorials_lib.benchmark.lookup import package_of
from tutorials_lib.benchmark.machine import machine_card
from tutorials_lib.datasets import download
from tutorials_lib.digest import code_digest
from tutorials_lib.judge.judgement import Judgement, Score
from tutorials_lib.judge.seeds import Run, Summary, judge_with_seeds

SCHEMA_VERSION = 1

PUBLISHED = Path("book/_data/published")
"""The records of the published data sets in a checkout, `<slug>.json`."""

STORED = {"real": PUBLISHED, "offline": Path("book/_data/seeds")}
"""Where a checkout keeps the records that the site shows, by `TUTORIALS_DATA`."""

_LOADERS = ("tutorials_lib.datasets", "tutorials_lib.pretrained")


@dataclass(frozen=True, kw_only=True)
class UsedFile:
    """A file of the data set that was read, after its checksum had been compared."""

    name: str
    sha256: str
    num_bytes: int


@dataclass(frozen=True, kw_only=True)
class JudgeRecord:
    """One tutorial, judged with several seeds.

    Attributes:
        slug: the tutorial's name in the catalog.
        preset: `TUTORIALS_PRESET`, the size at which it was judged.
        data_source: `TUTORIALS_DATA`, `offline` or `real`.
        summary: value and rivals of every seed.
        files: what was read of the published data; empty where no file is needed.
        code_digest: fingerprint of what was judged, see `evaluation_digest`.
        machine: the machine card, label to text, with the date.
    """

    slug: str
    preset: str
    data_source: str
    summary: Summary
    files: tuple[UsedFile, ...]
    code_digest: str
    machine: dict[str, str]

    @property
    def is_current(self) -> bool:
        """Whether the code that was judged is the code that is here."""
        return self.code_digest == evaluation_digest(self.slug)

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and numbers."""
        first = self.summary.judgements[0]
        return {
            "schema": SCHEMA_VERSION,
            "slug": self.slug,
            "preset": self.preset,
            "data_source": self.data_source,
            "metric": first.metric,
            "higher_is_better": first.higher_is_better,
            "margin": first.margin,
            "seeds": [_run_to_json(run) for run in self.summary.runs],
            "files": [dataclasses.asdict(file) for file in self.files],
            "code_digest": self.code_digest,
            "machine": self.machine,
        }


def _run_to_json(run: Run) -> dict[str, Any]:
    details = run.judgement.details
    return {
        "seed": run.seed,
        "value": run.judgement.value,
        "baselines": {
            name: dataclasses.asdict(score) for name, score in run.judgement.baselines.items()
        },
        "training_seconds": run.judgement.training_seconds,
        "seconds": run.seconds,
        **({"details": details} if details else {}),
    }


def from_json(data: dict[str, Any]) -> JudgeRecord:
    """The record that `to_json` wrote; raises `ValueError` for another schema version."""
    if data.get("schema") != SCHEMA_VERSION:
        raise ValueError(
            f"record of schema {data.get('schema')!r}; this version reads schema "
            f"{SCHEMA_VERSION}. Judge again: python -m tutorials_lib.judge"
        )
    shared = {name: data[name] for name in ("metric", "higher_is_better", "margin")}
    return JudgeRecord(
        **{name: data[name] for name in ("slug", "preset", "data_source")},
        summary=Summary(runs=tuple(_run_from_json(run, shared) for run in data["seeds"])),
        files=tuple(UsedFile(**file) for file in data["files"]),
        code_digest=data["code_digest"],
        machine=data["machine"],
    )


def _run_from_json(data: dict[str, Any], shared: dict[str, Any]) -> Run:
    judgement = Judgement(
        **shared,
        value=data["value"],
        baselines={name: Score(**score) for name, score in data["baselines"].items()},
        training_seconds=data["training_seconds"],
        details=data.get("details", {}),
    )
    return Run(seed=data["seed"], judgement=judgement, seconds=data["seconds"])


def load_published(root: Path) -> dict[str, JudgeRecord]:
    """Slug to record, of every record on published data that the checkout `root` has."""
    return load_stored(root, "real")


def load_stored(root: Path, data_source: str) -> dict[str, JudgeRecord]:
    """Slug to record, of every record on `data_source` that is committed in the checkout `root`.

    Raises:
        ValueError: a file is no record of this version, is named after another tutorial, or was
            made on other data.
    """
    records = {}
    for path in sorted((root / STORED[data_source]).glob("*.json")):
        try:
            record = from_json(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, LookupError, TypeError) as error:
            raise ValueError(f"{path} is no record of tutorials_lib.judge: {error}") from error
        if (record.slug, record.data_source) != (path.stem, data_source):
            raise ValueError(
                f"{path} holds the record of {record.slug} on {record.data_source} data; expected "
                f"{path.stem} on {data_source} data, as python -m tutorials_lib.judge --record "
                "writes it"
            )
        records[record.slug] = record
    return records


def judge_tutorial(
    slug: str, seeds: Sequence[int], *, advance: Callable[[int], None] = lambda seed: None
) -> JudgeRecord:
    """Judge a tutorial as the environment asks for, and note which files were read.

    Args and errors are those of `judge_with_seeds`.
    """
    with download.watch() as files:
        summary = judge_with_seeds(slug, seeds, advance=advance)
    return JudgeRecord(
        slug=slug,
        preset=presets.preset_name(),
        data_source=presets.data_source(),
        summary=summary,
        files=tuple(
            UsedFile(name=file.name, sha256=file.sha256, num_bytes=file.num_bytes)
            for _, file in sorted(files.items())
        ),
        code_digest=evaluation_digest(slug),
        machine=machine_card(),
    )


def evaluation_digest(slug: str) -> str:
    """Fingerprint of what `evaluation` reads of the tutorial's own folder and of its loaders.

    Shared layers and figures are left out: an edit there changes no score, or fails a test.
    """
    module = package_of(slug)
    return code_digest([f"{module}.evaluation"], within=(module, *_LOADERS))
