"""What the theme leaves broken or loads needlessly, mended from the book's own side.

The settings that mend by themselves (the dead menu button, the empty theme mode, scripts from
other hosts) are in `_config.yml`. Here is what needs code: the index at the root of the site, the
edit and issue buttons that appear only when the repository has an address, the page's description,
each script once and only where it is needed, images with their sizes, a page for addresses that do
not exist, and the list of all addresses.
"""

import html
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import imagesize
from bs4 import BeautifulSoup
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.config import Config
from sphinx.errors import ExtensionError

REPOSITORY_VARIABLE = "BOOK_REPOSITORY_URL"
"""The environment variable that comes before `repository: url:` in `_config.yml`."""

SITE_VARIABLE = "BOOK_SITE_URL"
"""The environment variable that comes before `html: baseurl:` in `_config.yml`."""

DESCRIPTION_LENGTH = 160
"""Characters of a description that search engines show."""

UNUSED_FILES = (
    "scripts/fontawesome.js*",
    "*macros.html",
    "**/*.map",
    "**/*.ttf",
    "locales",
    "images/logo_*",
    "mathjax",  # of a build in this folder from before formulas were set while building
)
"""What the theme copies into `_static` and no page of the book asks for."""

SCRIPTS_FOR = {
    "clipboard.min.js": ("<pre",),
    "copybutton.js": ("<pre",),
    "design-tabs.js": ("sd-tab-set",),
    "togglebutton.js": ("toggle", "dropdown"),
}
"""Scripts that only some pages need, and what these have in their markup."""

Context = dict[str, Any]


class RootIndexBuilder(StandaloneHTMLBuilder):
    """The HTML builder, with the first page of the book at the root of the site.

    The book's pages live under `book/`, and so would the index. A reader who opens the site's
    address gets `index.html`, so that is where the first page and every link to it go.
    """

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:
        """The address of `docname`, relative to the root of the site."""
        return super().get_target_uri(self._placed(docname), typ)

    def get_outfilename(self, pagename: str) -> str:
        """The file that the page is written to."""
        return super().get_outfilename(self._placed(pagename))

    def get_outdated_docs(self) -> Iterator[str]:
        """Pages to write: those that Sphinx finds, and those that another builder has read anew.

        All builders share what has been read. After the PDF has been built, a page may have been
        read (and executed) later than its HTML was written, which Sphinx does not look at.
        """
        outdated = set(super().get_outdated_docs())
        for docname in self.env.found_docs:
            read = Path(self.doctreedir, f"{docname}.doctree")
            page = Path(self.get_outfilename(docname))
            both = read.is_file() and page.is_file()
            if both and read.stat().st_mtime > page.stat().st_mtime:
                outdated.add(docname)
        yield from sorted(outdated)

    def _placed(self, docname: str) -> str:
        return "index" if docname == self.config.root_doc else docname


def offer_source_buttons(app: Sphinx, config: Config) -> None:
    """Show the repository, edit and issue buttons if the repository has an address."""
    options = config.html_theme_options
    address = _address(REPOSITORY_VARIABLE, options.get("repository_url")).rstrip("/")
    options["repository_url"] = address
    for button in (
        "use_repository_button",
        "use_edit_page_button",
        "use_issues_button",
    ):
        options[button] = bool(address)


def name_the_site(app: Sphinx, config: Config) -> None:
    """Give every page its canonical link if the site has an address."""
    address = _address(SITE_VARIABLE, config.html_baseurl)
    config.html_baseurl = address and address.rstrip("/") + "/"


def _address(variable: str, configured: str | None) -> str:
    """The address in the environment `variable`, else the `configured` one, else nothing.

    Raises:
        ExtensionError: it is not one that a browser can open.
    """
    address = os.environ.get(variable) or configured or ""
    parts = urlsplit(address)
    if address and (parts.scheme not in {"http", "https"} or not parts.netloc):
        raise ExtensionError(
            f"{variable} (or its setting in _config.yml) is {address!r}, which is no address of a "
            f"site; write it in full, such as https://example.org/book/, or leave it empty"
        )
    return address


def quiet_compiler(app: Sphinx) -> None:
    """Keep XLA's remarks off the pages, where anything on standard error fails the build.

    XLA remarks on a compilation that takes longer than a second, which depends on what else the
    machine is doing. What goes wrong in a cell still raises. JAX, which other extensions have
    imported by now, has set the level already; kernels inherit it.
    """
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"


def mend_page(
    app: Sphinx,
    page: str,
    template: str,
    context: Context,
    doctree: nodes.document | None,
) -> None:
    """Mend what is handed to the page's template; the last handler to see it."""
    for kind in ("css_files", "script_files"):
        context[kind] = _unique(context[kind])
    if page != "search":  # its scripts are called while the page is read
        files = context["script_files"]
        used = [file for file in files if _is_used(file, context.get("body", ""))]
        context["script_files"] = [_deferred(file) for file in used]
    context["leave_out_scripts"] = leave_out_scripts
    if "generate_toctree_html" in context:
        context["generate_toctree_html"] = _with_named_sections(context["generate_toctree_html"])
    if 'name="description"' not in context.get("metatags", ""):
        context["metatags"] = context.get("metatags", "") + _description(context, doctree)
    if context.get("pageurl"):
        if page == app.config.root_doc:
            context["pageurl"] = app.config.html_baseurl
        context["metatags"] += _card_where_shared(context, app.config)
    context["root_of_site"] = urlsplit(app.config.html_baseurl or "").path or "/"
    if "body" in context:
        body = _plain_signatures(_sized_images(context["body"], app))
        context["body"] = _readable_aloud(body)


def _card_where_shared(context: Context, config: Config) -> str:
    """What a link to the page looks like where people share it (https://ogp.me)."""
    metatags = BeautifulSoup(context["metatags"], "html.parser")
    described = metatags.find("meta", attrs={"name": "description"})
    titled = context.get("title") or config.html_title  # the index and the search have none
    title = BeautifulSoup(titled, "html.parser").get_text()
    tags = {
        "og:title": html.escape(title, quote=True),
        "og:description": html.escape(str(described["content"]), quote=True) if described else "",
        "og:type": "article",
        "og:url": context["pageurl"],
        "og:site_name": html.escape(config.html_title, quote=True),
        "og:image": f"{config.html_baseurl}_static/site.png",
        "og:image:alt": "The first page of the book",
    }
    lines = [f'<meta property="{name}" content="{value}" />' for name, value in tags.items()]
    return "\n".join(["", *lines, '<meta name="twitter:card" content="summary_large_image" />'])


def explain_missing_pages(app: Sphinx) -> Iterator[tuple[str, Context, str]]:
    """`404.html`, which hosts show for an address that does not exist, however deep it is."""
    contents = app.builder.get_target_uri(app.config.root_doc)
    body = (
        "<h1>There is no such page</h1>"
        f'<p>It may have moved. The <a href="{contents}">first page</a> lists all tutorials, and '
        'the <a href="search.html">search</a> knows every word of the book.</p>'
    )
    yield "404", {"title": "There is no such page", "body": body, "metatags": ""}, "page.html"


def finish_site(app: Sphinx, exception: Exception | None) -> None:
    """Leave a pointer at the index's old address, drop what is not of use."""
    if exception is not None or not isinstance(app.builder, RootIndexBuilder):
        return
    out = Path(app.outdir)
    if app.config.root_doc != "index":
        _leave_pointer(out / f"{app.config.root_doc}.html", app.config)
    folder = out / Path(app.config.root_doc).parent
    for page in folder.rglob("*.html") if folder != out else ():
        if page.relative_to(out).with_suffix("").as_posix() not in app.env.found_docs:
            page.unlink()  # its source is gone
    if app.config.html_baseurl:
        _list_addresses(out / "sitemap.xml", app)
    for pattern in UNUSED_FILES:
        for path in list((out / "_static").glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _list_addresses(path: Path, app: Sphinx) -> None:
    """Write the addresses of all pages for search engines (https://www.sitemaps.org).

    They look for the list where `robots.txt` says, which they read at the root of a host.
    """
    pages = sorted(app.env.found_docs)
    places = [app.builder.get_target_uri(page) for page in pages if page != app.config.root_doc]
    addresses = [app.config.html_baseurl + place for place in ["", *places]]
    lines = [f"<url><loc>{html.escape(address)}</loc></url>" for address in addresses]
    head = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    text = "\n".join(['<?xml version="1.0" encoding="utf-8"?>', head, *lines, "</urlset>", ""])
    path.write_text(text, encoding="utf-8")
    where = f"User-agent: *\nDisallow:\n\nSitemap: {app.config.html_baseurl}{path.name}\n"
    path.with_name("robots.txt").write_text(where, encoding="utf-8")


def leave_out_scripts(markup: str, *names: str) -> str:
    """`markup` without the script and preload tags whose address ends in one of `names`."""
    files = "|".join(map(re.escape, names))
    address = rf'"[^"]*/?(?:{files})(?:\?[^"]*)?"'
    scripts = rf"<script\b[^>]*\bsrc={address}[^>]*>\s*</script>"
    return re.sub(rf"{scripts}|<link\b[^>]*\bhref={address}[^>]*>", "", markup)


def _unique(files: Iterable[Any]) -> list[Any]:
    """The style sheets or scripts, each once: extensions that add theirs twice declare it twice."""
    first: dict[tuple[str, str], Any] = {}
    for file in files:
        first.setdefault((str(file.filename or ""), file.attributes.get("body", "")), file)
    return list(first.values())


def _is_used(file: Any, body: str) -> bool:
    """Whether the script does something on a page with this `body`."""
    marks = SCRIPTS_FOR.get(Path(str(file.filename or "")).name)
    return marks is None or any(mark in body for mark in marks)


def _deferred(file: Any) -> Any:
    """The script, run when the page has been read; what scripts in the page need stays in place."""
    if not file.filename or "documentation_options.js" in str(file.filename):
        return file
    return type(file)(file.filename, priority=file.priority, **file.attributes | {"defer": "defer"})


def _plain_signatures(body: str) -> str:
    """Signatures without the elements and titles that no style sheet and no reader asks for.

    A page of the reference has a thousand signatures. A link says where it leads, and so does its
    address; a title beside it says so once more. An array of JAX has the name by which everybody
    knows it, not that of the private module which defines it.
    """

    def mend(signature: re.Match[str]) -> str:
        text = signature[0].replace("jaxlib._jax.Array", "Array")
        text, found = _TITLE_OF_LINK.sub(r"\1", text), 1
        while found:
            text, found = _PART_OF_SIGNATURE.subn(r"\2", text)
        return text

    return re.sub(r'<dt class="sig .*?</dt>', mend, body, flags=re.DOTALL)


_PART_OF_SIGNATURE = re.compile(
    r'<(span|em) class="(?:pre|[wpnosm]|default_value|sig-p\w+|sig-return(?:-\w+)?)">'
    r"((?:[^<]|<a\b[^>]*>[^<]*</a>)*)</\1>"
)
"""A word, or words and links, of which nothing is shown in a way of its own."""

_TITLE_OF_LINK = re.compile(r'(<a class="reference internal" href="[^"]*") title="[^"]*"')


def _with_named_sections(generate: Callable[..., Any]) -> Callable[..., Any]:
    """The theme's table of contents, where what unfolds a section says which section."""

    def generate_named(*args: Any, **kwargs: Any) -> Any:
        contents = generate(*args, **kwargs)
        if isinstance(contents, BeautifulSoup):
            for summary in contents.select("details > summary"):
                entry = summary.find_parent("li")
                link = entry and entry.find("a", recursive=False)
                if link is not None:
                    summary["aria-label"] = f"Pages under {link.get_text(strip=True)}"
        return contents

    return generate_named


def _description(context: Context, doctree: nodes.document | None) -> str:
    """The page's first paragraph as its description, for pages that state none themselves."""
    text = context.get("title", "")
    if doctree is not None:
        paragraph = next(iter(doctree.findall(nodes.paragraph)), None)
        text = paragraph.astext() if paragraph is not None else text
    text = " ".join(str(text).split())
    if len(text) > DESCRIPTION_LENGTH:
        text = text[:DESCRIPTION_LENGTH].rsplit(" ", 1)[0] + " …"
    return f'<meta name="description" content="{html.escape(text, quote=True)}" />'


def _sized_images(body: str, app: Sphinx) -> str:
    """Give images their sizes, so that the page does not jump, and load all but the first late."""
    sources = {name: source for source, name in app.builder.images.items()}
    count = 0

    def mend(tag: re.Match[str]) -> str:
        nonlocal count
        count += 1
        added = "" if count == 1 or "loading=" in tag[0] else ' loading="lazy"'
        address = re.search(r'src="[^"]*_images/([^"]+)"', tag[0])
        source = sources.get(html.unescape(address[1])) if address else None
        if source and not re.search(r'\b(width|height|style)="', tag[0]):
            width, height = imagesize.get(Path(app.srcdir) / source)
            if width > 0 and height > 0:
                added += f' width="{round(width)}" height="{round(height)}"'
        return re.sub(r"\s*/?>$", lambda end: added + end[0], tag[0])

    return re.sub(r"<img\b[^>]*>", mend, body)


def _readable_aloud(body: str) -> str:
    """Mend markup that screen readers stumble over.

    What unfolds a hidden cell has a visible name and another one, which hides it; the entries of
    the bibliography are not marked as items of its list; the parameters in a signature are a list
    of definitions without terms. The corner of a table is a heading that says nothing; one that is
    all formula says nothing where MathML is not known, so that it gets a name.
    """
    body = body.replace('<summary aria-label="Toggle hidden content">', "<summary>")
    body = body.replace('role="doc-biblioentry"', 'role="listitem"')
    body = re.sub(r"<th\b([^>]*)>\s*(?:<p>\s*</p>)?\s*</th>", r"<td\1></td>", body)
    body = _FORMULA_AS_HEADING.sub(_with_name, body)

    def lines(parameters: re.Match[str]) -> str:
        inside = (
            parameters[1].replace("<dd>", '<span class="sig-line">').replace("</dd>", "</span>")
        )
        return f'<span class="sig-lines">{inside}</span>'

    return re.sub(r"<dl>\s*((?:<dd>.*?</dd>\s*)+)</dl>", lines, body)


_FORMULA_AS_HEADING = re.compile(
    r"(?P<before><th\b[^>]*>\s*<p>\s*<span)(?P<formula> class=\"math\b(?:(?!</th>).)*)"
    r"(?P<after></span>\s*</p>\s*</th>)",
    re.DOTALL,
)


def _with_name(heading: re.Match[str]) -> str:
    """A heading, with its formula's characters as the name of the formula."""
    formula = BeautifulSoup(heading["formula"], "html.parser").find("mrow")
    name = html.escape(formula.get_text(" ", strip=True), quote=True) if formula else ""
    named = f'{heading["before"]} role="math" aria-label="{name}"'
    return f"{named}{heading['formula']}{heading['after']}" if name else heading[0]


def _leave_pointer(page: Path, config: Config) -> None:
    """Where the index would lie without `RootIndexBuilder`, a page that leads to it."""
    index = "../" * config.root_doc.count("/") + "index.html"
    title = html.escape(config.html_title)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<link rel="canonical" href="{index}">'
        f'<meta http-equiv="refresh" content="0; url={index}"></head>'
        f'<body><a href="{index}">{title}</a></body></html>\n',
        encoding="utf-8",
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the mends to Sphinx's events."""
    # Jupyter Book hands this setting on for sphinx_comments, which the book does not load.
    app.add_config_value("comments_config", {}, "env")
    app.add_builder(RootIndexBuilder, override=True)
    app.connect("config-inited", offer_source_buttons)
    app.connect("config-inited", name_the_site)
    app.connect("builder-inited", quiet_compiler)
    app.connect("html-page-context", mend_page, priority=900)
    app.connect("html-collect-pages", explain_missing_pages)
    app.connect("build-finished", finish_site, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
