"""Show the book in a browser and rebuild it whenever a source is saved: `make serve`."""

import functools
import socket
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uvicorn
from sphinx_autobuild import server
from sphinx_autobuild.filter import IgnoreFilter
from sphinx_autobuild.middleware import JavascriptInjectorMiddleware
from sphinx_autobuild.server import RebuildServer
from sphinx_autobuild.utils import find_free_port
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, WebSocketRoute
from starlette.staticfiles import StaticFiles

from tools import ROOT
from tools.ready import ReadyBuild

WATCHED = ("book", "src", "_config.yml", "_toc.yml")
HOST = "127.0.0.1"  # pages run code while they are built; nobody else needs to see them


def rebuild(ready: ReadyBuild, changed_paths: Sequence[Path] = ()) -> None:
    """Build the site; what is wrong has been printed when this returns."""
    start = time.monotonic()
    if changed_paths:
        names = sorted({str(path.relative_to(ROOT)) for path in changed_paths if path.exists()})
        print(f"{', '.join(names[:3])}{' ...' if len(names) > 3 else ''} changed", flush=True)
    if any(path.suffix != ".md" for path in changed_paths):
        ready.forget()  # it has imported or read what has changed
    ready.run()
    print(f"  shown {time.monotonic() - start:.1f} s after it was noticed", flush=True)


def free_port(wanted: str | None) -> int:
    """The port to serve on: the one that is `wanted`, else any that is free.

    Raises:
        ValueError: it is no port, or another program uses it.
    """
    if wanted is None:
        return find_free_port()
    if not (wanted.isascii() and wanted.isdigit() and 0 < int(wanted) < 1 << 16):
        raise ValueError(f"PORT={wanted} is no port; name one from 1 to 65535, or none")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server will
        try:
            probe.bind((HOST, int(wanted)))
        except OSError as error:
            why = error.strerror.lower() if error.strerror else "it cannot be had"
            raise ValueError(
                f"PORT={wanted} cannot be used: {why}; name another, or none"
            ) from error
    return int(wanted)


def main() -> int:
    """Build once, then serve on the loopback interface until Ctrl+C."""
    try:
        port = free_port(sys.argv[1] if len(sys.argv) > 1 else None)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    ready = ReadyBuild()
    rebuild(ready)
    (ROOT / "_build" / "html").mkdir(parents=True, exist_ok=True)
    ignored = IgnoreFilter([], [r"__pycache__|\.pyc$|\.ipynb_checkpoints|~$|\.sw.$|/\.#"])
    paths = [ROOT / name for name in WATCHED]
    # A build is a process of its own, and which one is ready must be known here the next time.
    server.ProcessPoolExecutor = ThreadPoolExecutor  # type: ignore[assignment]
    rebuild_by = functools.partial(rebuild, ready)
    watcher = RebuildServer(list(paths), ignored, change_callback=rebuild_by)
    site = StaticFiles(directory=ROOT / "_build" / "html", html=True)
    application = Starlette(
        routes=[
            WebSocketRoute("/websocket-reload", watcher, name="reload"),
            Mount("/", app=site, name="site"),
        ],
        middleware=[Middleware(JavascriptInjectorMiddleware, ws_url=f"{HOST}:{port}")],
        lifespan=watcher.lifespan,  # type: ignore[arg-type]  # its annotation is wrong
    )
    print(f"Serving http://{HOST}:{port}; saving a file rebuilds it, Ctrl+C stops.", flush=True)
    try:
        uvicorn.run(application, host=HOST, port=port, log_level="warning")
    finally:
        ready.forget()
    return 0


if __name__ == "__main__":
    sys.exit(main())
