"""What `make serve` refuses before it builds anything."""

import socket
import sys

import pytest

from tools import serve


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
