"""The directive `{package-api}`: the reference of a package, one section a module.

    ```{package-api} tutorials_lib.tabular
    ```

Packages are walked, so that a new module appears by itself. What a package names in `__all__` is
shown there and not again under the module that defines it. The option `:without:` names packages
and modules directly under it that have pages of their own. Docstrings are plain English with
Markdown code spans; they are turned into reStructuredText here, because autodoc reads nothing else.
"""

import importlib
import pkgutil
import re
import sys
from collections.abc import Collection, Iterator
from types import ModuleType
from typing import Any, ClassVar, TypeVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)

_CODE = re.compile(r"(`+)(.+?)\1")
_MATHS = re.compile(r"\$([^$\s](?:[^$]*[^$\s])?)\$")
_OF_FIELD = re.compile(r"Alias for field number \d+")
_SPECIAL = re.compile(r"[\\*|]|_(?!\w)")


class PackageApi(SphinxDirective):
    """Document every module of a package."""

    required_arguments = 1
    option_spec: ClassVar = {"without": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """The sections of the package, parsed by autodoc."""
        package = self.arguments[0]
        without = frozenset(self.options.get("without", "").split())
        shown = modules(package, without)
        names = [module.__name__ for module in shown]
        _known(self.env)[self.env.docname] = (package, without, names)
        text = "\n\n".join(_section(module, exported(shown)) for module in shown)
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def modules(package: str, without: Collection[str] = ()) -> list[ModuleType]:
    """The modules to show for `package`: itself and those under it, packages first.

    Private modules are left out, those with nothing public of their own to show, and what is named
    in `without` directly under the package.

    Raises:
        ExtensionError: nothing under the package has a name of `without`.
    """
    found = list(_walk(package, without))
    elsewhere = exported(found)
    return [module for module in found if _shown_members(module, elsewhere)]


def exported(found: list[ModuleType]) -> dict[str, str]:
    """For what a package exports, by its full name where it is defined: the package's name."""
    return {
        f"{getattr(value, '__module__', '')}.{name}": module.__name__
        for module in found
        for name in getattr(module, "__all__", ())
        if (value := getattr(module, name)) is not None
    }


def _walk(name: str, without: Collection[str] = ()) -> Iterator[ModuleType]:
    try:
        module = importlib.import_module(name)
    except Exception as error:
        logger.warning("cannot import %s: %s: %s", name, type(error).__name__, error)
        return
    yield module
    inside = [info.name for info in pkgutil.iter_modules(getattr(module, "__path__", ()))]
    if unknown := sorted(set(without) - set(inside)):
        raise ExtensionError(
            f"`:without:` names {', '.join(unknown)}, but {name} has {', '.join(inside)}"
        )
    for each in inside:
        if not each.startswith("_") and each not in without:
            yield from _walk(f"{name}.{each}")


def _shown_members(module: ModuleType, elsewhere: dict[str, str]) -> list[str]:
    """The public names of a module that no package shows in its stead."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType | TypeVar)
        and getattr(value, "__module__", None) == module.__name__
        and f"{module.__name__}.{name}" not in elsewhere
    ]


def _section(module: ModuleType, elsewhere: dict[str, str]) -> str:
    name = module.__name__
    hidden = [
        full.removeprefix(f"{name}.")
        for full, package in elsewhere.items()
        if full.rpartition(".")[0] == name and package != name
    ]
    options = [":members:"]
    if hidden:
        options.append(f":exclude-members: {', '.join(hidden)}")
    if any(name == f"{package}.{full.rpartition('.')[2]}" for full, package in elsewhere.items()):
        options.append(":no-index:")  # its package exports a function of the same name
    directive = "\n   ".join([f".. automodule:: {name}", *options])
    heading = name.removeprefix("tutorials_lib.").replace("_", "\\_")
    return f"## {heading}\n\n```{{eval-rst}}\n{directive}\n```\n"


def forgive_type_variables(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Node
) -> nodes.Node | None:
    """Type variables stand in signatures and have no entry of their own to link to."""
    module, _, name = str(node.get("reftarget", "")).rpartition(".")
    if module.startswith("tutorials_lib") and isinstance(
        getattr(sys.modules.get(module), name, None), TypeVar
    ):
        return content
    return None


def to_rest(lines: list[str]) -> list[str]:
    """The lines of a docstring, with Markdown's code and maths turned into reStructuredText.

    A paragraph that ends in a colon makes the indented lines after the next empty one code.
    """
    result: list[str] = []
    code_indent: int | None = None
    for index, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if code_indent is not None and line.strip() and indent <= code_indent:
            code_indent = None
        if code_indent is not None:
            result.append(line)
            continue
        converted = _inline(line)
        following = lines[index + 1 : index + 3]
        if (
            line.rstrip().endswith(":")
            and len(following) == 2
            and not following[0].strip()
            and len(following[1]) - len(following[1].lstrip()) > indent
        ):
            converted = converted.rstrip() + ":"
            code_indent = indent
        result.append(converted)
    return result


def _inline(line: str) -> str:
    """One line: code spans get two backticks, maths its role, the rest loses its special marks."""
    parts: list[str] = []
    position = 0
    for span in _CODE.finditer(line):
        parts += [_prose(line[position : span.start()]), f"``{span[2]}``"]
        position = span.end()
    return "".join([*parts, _prose(line[position:])])


def _prose(text: str) -> str:
    parts: list[str] = []
    position = 0
    for span in _MATHS.finditer(text):
        parts += [_SPECIAL.sub(r"\\\g<0>", text[position : span.start()]), f":math:`{span[1]}`"]
        position = span.end()
    return "".join([*parts, _SPECIAL.sub(r"\\\g<0>", text[position:])])


def convert_docstring(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Hand autodoc the docstring in the language that it reads, without Python's own of a field."""
    lines[:] = [] if _OF_FIELD.fullmatch(" ".join(lines).strip()) else to_rest(lines)


def find_outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Pages whose package has gained or lost a module (autodoc watches those that it has)."""
    return [
        docname
        for docname, (package, without, names) in _known(env).items()
        if docname in env.found_docs - added - changed
        and names != [module.__name__ for module in modules(package, without)]
    ]


def _known(env: BuildEnvironment) -> dict[str, tuple[str, frozenset[str], list[str]]]:
    """Which page shows which modules, kept with the environment."""
    if not hasattr(env, "package_api"):
        env.package_api = {}  # pyright: ignore[reportAttributeAccessIssue]
    return env.package_api  # pyright: ignore[reportAttributeAccessIssue]


def setup(app: Sphinx) -> dict[str, bool | int]:
    """Connect to Sphinx; before napoleon, which reads what this writes."""
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.napoleon")
    app.add_directive("package-api", PackageApi)
    app.connect("autodoc-process-docstring", convert_docstring, priority=100)
    app.connect("env-get-outdated", find_outdated)
    app.connect("missing-reference", forgive_type_variables)
    return {"env_version": 1, "parallel_read_safe": False, "parallel_write_safe": True}
