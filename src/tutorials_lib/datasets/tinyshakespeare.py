"""Tiny Shakespeare: 40,000 lines of his plays in one file (Karpathy 2015)."""

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import reading

TINYSHAKESPEARE = RemoteFile(
    name="tinyshakespeare.txt",
    url="https://raw.githubusercontent.com/karpathy/char-rnn/"
    "6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt",
    sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    num_bytes=1_115_394,
    mirror_path="tinyshakespeare/input.txt",
    licence="public domain",
    citation="A. Karpathy (2015), char-rnn, https://github.com/karpathy/char-rnn",
)
"""The file of the char-rnn repository, pinned by its commit."""


def load_tinyshakespeare(*, remote: RemoteFile = TINYSHAKESPEARE) -> tuple[str, ...]:
    """The speeches in the published order: a name with a colon, then the lines that are spoken.

    Raises:
        DatasetError: the file cannot be had, is not the pinned one, or is no text.
    """
    path = fetch(remote)
    way_out = "Check that this is the published file."
    with reading(path, expected="text in UTF-8", way_out=way_out):
        text = path.read_text("utf-8")
    return tuple(speech.strip("\n") for speech in text.split("\n\n") if speech.strip())
