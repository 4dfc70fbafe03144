"""Show the book in a browser and rebuild it whenever a source is saved: `make serve`."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn
from sphinx_autobuild.filter import IgnoreFilter
from sphinx_autobuild.middleware import JavascriptInjectorMiddleware
from sphinx_autobuild.server import RebuildServer
from sphinx_autobuild.utils import find_free_port
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, WebSocketRoute
from starlette.staticfiles import StaticFiles

from tools import ROOT

WATCHED = ("book", "src", "_config.yml", "_toc.yml")
HOST = "127.0.0.1"  # pages run code while they are built; nobody else needs to see them


def rebuild(changed_paths: Sequence[Path] = ()) -> None:
    """Build the site; what is wrong has been printed when this returns."""
    if changed_paths:
        names = sorted({str(path.relative_to(ROOT)) for path in changed_paths if path.exists()})
        print(f"{', '.join(names[:3])}{' ...' if len(names) > 3 else ''} changed", flush=True)
    subprocess.run([sys.executable, "-m", "tools.build", "html"], cwd=ROOT, check=False)


def main() -> None:
    """Build once, then serve on the loopback interface until Ctrl+C."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else find_free_port()
    rebuild()
    (ROOT / "_build" / "html").mkdir(parents=True, exist_ok=True)
    ignored = IgnoreFilter([], [r"__pycache__|\.pyc$|\.ipynb_checkpoints|~$|\.sw.$|/\.#"])
    paths = [ROOT / name for name in WATCHED]
    watcher = RebuildServer(list(paths), ignored, change_callback=rebuild)
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
    uvicorn.run(application, host=HOST, port=port, log_level="warning")


if __name__ == "__main__":
    main()
