"""The addresses at which Colab and Binder open a page's notebook, and what lies there."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import launch

REPOSITORY = "https://github.com/someone/the.book"


@pytest.mark.parametrize("address", [REPOSITORY, f"{REPOSITORY}/", f"{REPOSITORY}.git"])
def test_both_open_the_notebook_on_its_branch(address: str):
    assert launch.launchers(address, "book/tabular/kmeans") == {
        "Colab": "https://colab.research.google.com/github/someone/the.book/blob/notebooks/"
        "book/tabular/kmeans.ipynb",
        "Binder": "https://mybinder.org/v2/gh/someone/the.book/notebooks"
        "?urlpath=lab%2Ftree%2Fbook%2Ftabular%2Fkmeans.ipynb",
    }


@pytest.mark.parametrize(
    "address",
    ["", "https://gitlab.com/someone/book", "https://github.com/someone", f"{REPOSITORY}/tree/x"],
)
def test_nobody_opens_what_is_not_a_repository_of_github(address: str):
    assert launch.launchers(address, "book/tabular/kmeans") == {}


def app(root: Path, repository: str) -> Any:
    """As much of Sphinx as the buttons and the files of the branch ask for."""
    config = SimpleNamespace(
        html_theme_options={"repository_url": repository},
        html_title="The book",
        html_baseurl="https://example.org/",
    )
    metadata = {"book/a": {"kernelspec": {}}, "book/b/c": {"kernelspec": {}}, "book/text": {}}
    env = SimpleNamespace(found_docs=set(metadata), metadata=metadata)
    builder = SimpleNamespace(name="html")
    return cast(
        Any,
        SimpleNamespace(
            config=config, env=env, builder=builder, outdir=root / "_build/html", srcdir=root
        ),
    )


@pytest.mark.parametrize(
    ("repository", "offered", "names"),
    [
        (REPOSITORY, {"ipynb_source": "book/a.ipynb"}, ["Colab", "Binder"]),
        (REPOSITORY, {}, None),
        ("", {"ipynb_source": "book/a.ipynb"}, None),
    ],
)
def test_the_buttons_need_an_address_and_a_notebook(
    tmp_path: Path, repository: str, offered: dict, names: list | None
):
    context: dict[str, Any] = {"header_buttons": [], **offered}
    launch.offer_buttons(app(tmp_path, repository), "book/a", "page.html", context, None)
    found = [[one["text"] for one in group["buttons"]] for group in context["header_buttons"]]
    assert found == ([] if names is None else [names])


def test_the_branch_has_every_notebook_where_the_buttons_look_and_what_binder_installs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(launch, "current_commit", lambda root: "0123abc")
    made = app(tmp_path, REPOSITORY)
    for page in ("book/a", "book/b/c", "book/gone"):
        path = made.outdir / "_sources" / f"{page}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    launch.gather(made, None)
    folder = tmp_path / "_build" / launch.GATHERED
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    texts = {"README.md", "requirements.txt", "runtime.txt"}
    assert there == {"book/a.ipynb", "book/b/c.ipynb", *texts}
    for page in ("book/a", "book/b/c"):
        address = launch.launchers(REPOSITORY, page)["Colab"]
        assert address.split(f"/{launch.BRANCH}/")[1] in there
    required = (folder / "requirements.txt").read_text()
    assert required == f"tutorials_lib @ git+{REPOSITORY}@0123abc\n"


def test_without_an_address_nothing_is_said_to_be_installed(tmp_path: Path):
    assert set(launch.texts(app(tmp_path, ""), "0123abc")) == {"README.md"}


def test_the_commit_is_that_of_the_checkout_or_nothing(tmp_path: Path):
    assert len(launch.current_commit(Path(__file__).parent)) in {0, 40}
    assert launch.current_commit(tmp_path / "nowhere") == ""
