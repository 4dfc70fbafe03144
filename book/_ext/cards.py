"""The index: a card for every tutorial with a picture from its page, what it measured, and filters.

A picture is drawn when the index is written, out of the PDF of one of the page's own figures, so
that it is never older than the page. `book/_data/cards.yml` says which figure, and which part.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pypdfium2
import yaml
from docutils import nodes
from docutils.statemachine import StringList
from PIL import Image
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from book_state import Picture, state_of
from records import records_of, tutorial_of
from tutorials_lib import catalog
from tutorials_lib.benchmark import ledger
from tutorials_lib.benchmark.record import Record, is_tie, verdict
from tutorials_lib.catalog import Tutorial

logger = logging.getLogger(__name__)

ROWS = Path(__file__).parents[1] / "_data/cards.yml"
WIDTH = 640
"""Pixels across a picture: twice what the widest card shows."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What `cards.yml` says of a tutorial.

    Attributes:
        method: what it works by, in the words that the index offers as a filter.
        data: what it works on, likewise.
        picture: the name of the figure that is its picture; the page's first one where empty.
        crop: left, top, right and bottom of the part that is shown, in hundredths.
    """

    method: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    picture: str = ""
    crop: tuple[float, float, float, float] = (0, 0, 100, 100)


@cache
def read_rows() -> dict[str, Row]:
    """The rows of `cards.yml`, by slug; an empty one for a tutorial that is not there.

    Raises:
        ExtensionError: a slug or a field is unknown, or a crop is none.
    """
    loaded: dict[str, dict[str, Any]] = yaml.safe_load(ROWS.read_text(encoding="utf-8"))
    rows = {tutorial.slug: Row() for tutorial in catalog.TUTORIALS}
    if unknown := loaded.keys() - rows:
        raise ExtensionError(
            f"{ROWS.name} has rows for {', '.join(sorted(unknown))}, which the catalog lacks; "
            "write the slug as it is there, or drop the row"
        )
    return rows | {slug: _row(slug, fields) for slug, fields in loaded.items()}


def _row(slug: str, fields: Mapping[str, Any]) -> Row:
    try:
        row = Row(**{key: _frozen(value) for key, value in fields.items()})
        left, top, right, bottom = row.crop
        if not (0 <= left < right <= 100 and 0 <= top < bottom <= 100):
            raise ValueError(f"crop {list(row.crop)} is no part of a figure")
    except (TypeError, ValueError) as error:
        raise ExtensionError(f"{ROWS.name}, {slug}: {error}") from error
    return row


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


# ---------------------------------------------------------------- collecting the figures


def collect(app: Sphinx, doctree: nodes.document) -> None:
    """Note the figures that a tutorial's page could lend."""
    docname = app.env.docname
    if tutorial_of(docname) is not None:
        state_of(app.env).pictures[docname] = dict(_figures(doctree))


def _figures(doctree: nodes.document) -> list[tuple[str, Picture]]:
    found: list[tuple[str, Picture]] = []
    for figure in doctree.findall(nodes.figure):
        uris = [image["uri"] for image in figure.findall(nodes.image)]
        pdf = next((uri for uri in uris if uri.endswith(".pdf")), None)
        caption = next(iter(figure.findall(nodes.caption)), None)
        if pdf is not None and figure["ids"]:
            text = "" if caption is None else " ".join(caption.astext().split())
            found.append((figure["ids"][0], Picture(pdf, text)))
    return found


# ---------------------------------------------------------------- what the index writes


class _Late(nodes.General, nodes.Element):
    """Something that is known only when every page has been read."""


class TutorialCards(SphinxDirective):
    """`{tutorial-cards}`: a grid of cards for each part; planned ones carry no link."""

    def run(self) -> list[nodes.Node]:
        """Write the grids in MyST and let Sphinx-Design make them."""
        state = state_of(self.env)
        state.readers.add(self.env.docname)
        state.tellers.add(self.env.docname)
        rows = read_rows()
        num_written = sum(self._is_written(tutorial) for tutorial in catalog.TUTORIALS)
        lines: list[str] = []
        if num_written < len(catalog.TUTORIALS):
            lines += [
                f"{num_written} of the {len(catalog.TUTORIALS)} are written so far.",
                "A card without a link is planned, and shows what is claimed of it.",
                "",
            ]
        for part, caption in catalog.PARTS.items():
            cards = [self._card(t, rows[t.slug]) for t in catalog.TUTORIALS if t.part == part]
            lines += [
                f":::{{rubric}} {caption}", ":::", "", "::::{grid} 1 2 2 3", ":gutter: 3", "",
                *(line for card in cards for line in card), "::::", "",
            ]  # fmt: skip
        container = nodes.container(classes=["tutorial-cards"])
        self.state.nested_parse(StringList(lines, source="tutorial-cards"), 0, container)
        return [container]

    def _card(self, tutorial: Tutorial, row: Row) -> list[str]:
        link = []
        if self._is_written(tutorial):
            link = [f":link: /book/{tutorial.coordinate}", ":link-type: doc"]
        kinds = [f"part-{_token(catalog.PARTS[tutorial.part])}"]
        kinds += [f"method-{_token(each)}" for each in row.method]
        kinds += [f"data-{_token(each)}" for each in row.data]
        return [
            f":::{{grid-item-card}} {tutorial.title}",
            *link,
            f":class-item: tutorial {' '.join(kinds)}",
            "",
            "```{card-header}",
            f"{{card-picture}}`{tutorial.slug}`",
            "```",
            f"{{card-status}}`{tutorial.slug}`",
            ":::",
            "",
        ]

    def _is_written(self, tutorial: Tutorial) -> bool:
        return tutorial.available and f"book/{tutorial.coordinate}" in self.env.found_docs


def _token(words: str) -> str:
    """`words` as part of a class name, from which `site.js` makes them again."""
    return words.lower().replace(",", "").replace(" ", "-")


class CardPart(SphinxRole):
    """`{card-picture}` or `{card-status}` followed by a slug: filled in when all is read."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Leave a mark that `FillInCards` replaces."""
        return [_Late(kind=self.name, slug=self.text)], []


class PictureStrip(SphinxDirective):
    """`{picture-strip}`: the pictures of the tutorials whose slugs are its lines, as links."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Leave a mark for each picture."""
        state_of(self.env).readers.add(self.env.docname)
        strip = nodes.container(classes=["picture-strip"])
        for slug in self.content:
            try:
                catalog.find(slug.strip())
            except KeyError as error:
                raise self.error(f"picture-strip: {error}") from error
            strip += _Late(kind="strip-picture", slug=slug.strip(), docname=self.env.docname)
        return [strip]


class CountOfVerdicts(SphinxDirective):
    """`{verdicts}`: in how many tutorials JAX was faster, the claim held, the line was met."""

    def run(self) -> list[nodes.Node]:
        """Leave a mark that `FillInCards` replaces."""
        state_of(self.env).readers.add(self.env.docname)
        return [_Late(kind="verdicts", slug="")]


# ---------------------------------------------------------------- filling in


class FillInCards(SphinxPostTransform):
    """Replace every mark by what the records and the pages' figures say."""

    default_priority = 5

    def run(self, **kwargs: object) -> None:
        """Dispatch on the kind of mark."""
        marks = list(self.document.findall(_Late))
        if not marks:
            return
        fill = {
            "card-picture": self._card_picture,
            "card-status": self._card_status,
            "strip-picture": self._strip_picture,
            "verdicts": self._verdicts,
        }
        self._records = records_of(self.env)
        for mark in marks:
            mark.replace_self(fill[mark["kind"]](mark))

    def _card_picture(self, mark: _Late) -> list[nodes.Node]:
        image = self._picture(mark["slug"])
        return [] if image is None else [image]

    def _card_status(self, mark: _Late) -> list[nodes.Node]:
        record = self._records.get(mark["slug"])
        low, high = catalog.find(mark["slug"]).claim
        claimed = f"Claimed {low:g} to {high:g}×"
        item = _item_around(mark)
        if item is not None:
            item["classes"] += verdict_classes(record)
        measured = "planned" if record is None else f"measured {ledger.measured_text(record)}"
        return [nodes.Text(f"{claimed}, {measured}")]

    def _strip_picture(self, mark: _Late) -> list[nodes.Node]:
        tutorial = catalog.find(mark["slug"])
        docname = f"book/{tutorial.coordinate}"
        image = self._picture(tutorial.slug)
        if image is None or docname not in self.env.found_docs:
            return []
        uri = self.app.builder.get_relative_uri(mark["docname"], docname)
        label = nodes.inline("", tutorial.title)
        return [nodes.paragraph("", "", nodes.reference("", "", image, label, refuri=uri))]

    def _verdicts(self, mark: _Late) -> list[nodes.Node]:
        return [nodes.paragraph("", text) for text in [verdict_counts(self._records)] if text]

    def _picture(self, slug: str) -> nodes.image | None:
        """The picture of a tutorial; none in print, nor where its page has no figure."""
        docname = f"book/{catalog.find(slug).coordinate}"
        lent = state_of(self.env).pictures.get(docname)
        if self.app.builder.name != "html" or not lent:
            return None
        row = read_rows()[slug]
        if row.picture and row.picture not in lent:
            logger.warning(
                "%s, %s: the page has no figure %r; it has %s",
                *(ROWS.name, slug, row.picture, ", ".join(lent)),
                type="cards",
            )
        path, chosen = choose_and_draw(Path(self.app.srcdir), slug, lent)
        uri = path.relative_to(self.app.srcdir).as_posix()
        self.env.images.add_file(self.env.docname, uri)
        alt = f"From the page: {chosen.caption or catalog.find(slug).title}"
        return nodes.image(uri=uri, candidates={"*": uri}, alt=alt, classes=["thumbnail"])


def _item_around(mark: nodes.Node) -> nodes.Element | None:
    """The item of the grid that `mark` stands in."""
    node = mark.parent
    while node is not None and "tutorial" not in node.get("classes", ()):
        node = node.parent
    return node


def choose_and_draw(root: Path, slug: str, lent: Mapping[str, Picture]) -> tuple[Path, Picture]:
    """The picture that stands for a tutorial, drawn: the named one, else the page's first."""
    row = read_rows()[slug]
    chosen = lent.get(row.picture, next(iter(lent.values())))
    return draw(root, slug, chosen, row.crop), chosen


def draw(root: Path, slug: str, picture: Picture, crop: tuple[float, float, float, float]) -> Path:
    """Draw a part of a figure as WebP, unless that lies there already; returns its path."""
    source = root / picture.pdf
    marks = [hashlib.sha256(source.read_bytes()).hexdigest(), repr(crop), str(WIDTH)]
    name = hashlib.sha256("\0".join(marks).encode()).hexdigest()[:12]
    folder = root / "_build/benchmarks/pictures"
    path = folder / f"{slug}-{name}.webp"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        for earlier in folder.glob(f"{slug}-*.webp"):
            earlier.unlink()
        _render(source, crop).save(path, quality=80, method=6)
    return path


def _render(source: Path, crop: tuple[float, float, float, float]) -> Image.Image:
    left, top, right, bottom = (hundredths / 100 for hundredths in crop)
    with pypdfium2.PdfDocument(source) as document:
        page = document[0]
        width, height = page.get_size()
        margins = (left * width, (1 - bottom) * height, (1 - right) * width, top * height)
        scale = WIDTH / ((right - left) * width)
        return page.render(scale=scale, crop=margins).to_pil().convert("RGB")


def verdict_classes(record: Record | None) -> list[str]:
    """What the filters of the index need to know of a result."""
    if record is None:
        return ["speed-planned"]
    classes = [f"speed-{_token(_speed(record))}"]
    if record.quality is not None and record.quality.baselines:
        classes.append("rivals-" + ("beaten" if record.quality.met else "not-beaten"))
    return classes


def _speed(record: Record) -> str:
    if is_tie(record.ratio):
        return "a tie"
    return "JAX faster" if record.ratio.center > 1 else "NumPy faster"


def verdict_counts(records: Mapping[str, Record]) -> str:
    """The ledger in a few sentences; empty where nothing has been measured."""
    if not records:
        return ""
    speeds = [_speed(record) for record in records.values()]
    verdicts = [verdict(r.ratio, catalog.find(r.slug).claim) for r in records.values()]
    held = verdicts.count("within") + verdicts.count("above")
    judged = [r.quality for r in records.values() if r.quality is not None and r.quality.baselines]
    measured = "tutorial that was" if len(records) == 1 else "tutorials that were"
    return (
        f"Of the {len(records)} {measured} measured, JAX is faster than NumPy in "
        f"{speeds.count('JAX faster')}, slower in {speeds.count('NumPy faster')} and about as fast "
        f"in {speeds.count('a tie')}. The claimed speedup is reached in {held}, and "
        f"{verdicts.count('borderline')} are borderline. "
        f"What was learned beats the strongest simple rival in {sum(q.met for q in judged)} "
        f"of {len(judged)}."
    )


def setup(app: Sphinx) -> dict[str, bool | int]:
    """Connect to Sphinx."""
    app.add_directive("tutorial-cards", TutorialCards)
    app.add_directive("picture-strip", PictureStrip)
    app.add_directive("verdicts", CountOfVerdicts)
    app.add_role("card-picture", CardPart())
    app.add_role("card-status", CardPart())
    app.add_post_transform(FillInCards)
    app.connect("doctree-read", collect)
    return {"env_version": 1, "parallel_read_safe": True, "parallel_write_safe": False}
