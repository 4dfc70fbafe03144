"""What `make serve` refuses before it builds anything, and how it has a build ready."""

import socket
import sys
from pathlib import Path

import pytest

from tools import serve
from tools.ready import ReadyBuild


@pytest.mark.parametrize("wanted", ["99999", "0", "-1", "eighty", "\u0663"])
def test_what_is_no_port_is_refused_before_the_book_is_built(
    wanted: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "argv", ["serve", wanted])
    monkeypatch.setattr(serve, "rebuild", lambda ready: pytest.fail("the book was built"))
    assert serve.main() == 1
    assert capsys.readouterr().err.startswith(f"PORT={wanted} is no port")


def test_a_port_in_use_is_refused():
    with socket.socket() as taken:
        taken.bind((serve.HOST, 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with pytest.raises(ValueError, match=f"PORT={port} cannot be used: .*in use"):
            serve.free_port(port)
    assert serve.free_port(port) == int(port)
    assert serve.free_port(None) > 0


WAITS = """
import sys, pathlib
folder = pathlib.Path(sys.argv[1])
number = len(list(folder.iterdir()))
(folder / f"{number}").write_text("waits")
if sys.stdin.readline():
    (folder / f"{number}").write_text("built")
    sys.exit(int(sys.argv[2]))
(folder / f"{number}").write_text("ended")
"""


@pytest.mark.parametrize("status", [0, 1])
def test_a_build_is_told_to_begin_and_the_next_one_waits(tmp_path: Path, status: int):
    ready = ReadyBuild([sys.executable, "-c", WAITS, str(tmp_path), str(status)])
    ready.prepare()
    for _ in range(2):
        assert ready.run() == (status == 0)
    ready.forget()
    states = [path.read_text() for path in sorted(tmp_path.iterdir())]
    assert states == ["built", "built", "ended"]


def test_what_has_imported_code_that_changed_is_not_told_to_begin(tmp_path: Path, capsys):
    ready = ReadyBuild([sys.executable, "-c", WAITS, str(tmp_path), "0"])
    ready.prepare()
    serve.rebuild(ready, [serve.ROOT / "src/tutorials_lib/pure.py"])
    serve.rebuild(ready, [serve.ROOT / "book/index.md"])
    ready.forget()
    states = [path.read_text() for path in sorted(tmp_path.iterdir())]
    assert states == ["ended", "built", "built", "ended"]
    assert "book/index.md changed" in capsys.readouterr().out
