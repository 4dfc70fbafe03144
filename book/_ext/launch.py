"""Colab and Binder open a page's notebook, where the sources are on GitHub.

Both read notebooks from a repository, not from a site. The workflow that publishes the site puts
what `gather` writes, before it deploys, on a branch of its own: the notebooks at the coordinates
of their pages and, for Binder, what installs the package at the commit that they were made from.
"""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from docutils import nodes
from sphinx.application import Sphinx

BRANCH = "notebooks"
"""The branch that Colab and Binder read."""

GATHERED = "notebooks_branch"
"""The folder, beside the site, with the files of the branch."""

PYTHON = "python-3.12"
"""What Binder runs, in its words."""

_GITHUB = re.compile(r"https://github\.com/(?P<owner>[\w.-]+)/(?P<name>[\w.-]+?)(?:\.git)?/?")

Context = dict[str, Any]


def launchers(repository: str, page: str) -> dict[str, str]:
    """Who opens the notebook of `page`, and the address; nobody unless GitHub has the sources."""
    found = _GITHUB.fullmatch(repository)
    if found is None:
        return {}
    place = f"{found['owner']}/{found['name']}"
    notebook = f"{page}.ipynb"
    in_lab = quote(f"lab/tree/{notebook}", safe="")
    return {
        "Colab": f"https://colab.research.google.com/github/{place}/blob/{BRANCH}/{quote(notebook)}",
        "Binder": f"https://mybinder.org/v2/gh/{place}/{BRANCH}?urlpath={in_lab}",
    }


def requirement(repository: str, commit: str) -> str:
    """The package as pip installs it from the repository, at `commit` if that is known."""
    return f"tutorials_lib @ git+{repository}" + (f"@{commit}" if commit else "")


@cache
def current_commit(root: Path) -> str:
    """The commit that is checked out in `root`, or nothing; every page of a build asks."""
    if shutil.which("git") is None:
        return ""
    asked = ["git", "-C", str(root), "rev-parse", "HEAD"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else ""


def repository_of(app: Sphinx) -> str:
    """The address of the sources, or nothing."""
    return app.config.html_theme_options.get("repository_url", "")


def offer_buttons(
    app: Sphinx, page: str, template: str, context: Context, doctree: nodes.document | None
) -> None:
    """Add the buttons to a page that offers its notebook; the theme has made the others."""
    opened_by = launchers(repository_of(app), page) if context.get("ipynb_source") else {}
    if not opened_by:
        return
    buttons = [
        {
            "type": "link",
            "text": name,
            "url": address,
            "tooltip": f"Open the notebook in {name}",
            "icon": "fas fa-play",
            "label": f"{name.lower()}-button",
        }
        for name, address in opened_by.items()
    ]
    group = {
        "type": "group",
        "tooltip": "Run this page elsewhere",
        "icon": "fas fa-rocket",
        "buttons": buttons,
        "label": "launch-buttons",
    }
    context["header_buttons"].append(group)


def gather(app: Sphinx, exception: Exception | None) -> None:
    """Write the files of the branch beside the site."""
    if exception is not None or app.builder.name != "html":
        return
    folder = Path(app.outdir).parent / GATHERED
    shutil.rmtree(folder, ignore_errors=True)
    for page in sorted(app.env.found_docs):
        offered = Path(app.outdir) / "_sources" / f"{page}.ipynb"
        if "kernelspec" in app.env.metadata[page] and offered.is_file():
            (folder / page).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(offered, folder / f"{page}.ipynb")
    folder.mkdir(exist_ok=True)
    for name, text in texts(app, current_commit(Path(app.srcdir))).items():
        (folder / name).write_text(f"{text}\n", encoding="utf-8")


def texts(app: Sphinx, commit: str) -> dict[str, str]:
    """The other files of the branch: without an address there is nothing to install from."""
    repository, site = repository_of(app), app.config.html_baseurl
    made_from = f" from {repository} at {commit}" if repository and commit else ""
    where = f" They are the pages of {site}." if site else ""
    about = f"# {app.config.html_title}: notebooks\n\nMade by the build{made_from}.{where}"
    if not repository:
        return {"README.md": about}
    install = requirement(repository, commit)
    return {"README.md": about, "requirements.txt": install, "runtime.txt": PYTHON}


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx's events."""
    app.connect("html-page-context", offer_buttons, priority=600)
    app.connect("build-finished", gather)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
