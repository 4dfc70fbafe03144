"""The vocabulary of GPT-2: its byte-pair merges and the number of every token (OpenAI 2019)."""

import json
from functools import cache

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import MalformedDataError, reading

_LICENCE = "MIT"
_CITATION = (
    "A. Radford et al. (2019), Language models are unsupervised multitask learners, "
    "https://github.com/openai/gpt-2"
)

ENCODER = RemoteFile(
    name="gpt2-encoder.json",
    url="https://openaipublic.blob.core.windows.net/gpt-2/encodings/main/encoder.json",
    sha256="196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
    num_bytes=1_042_301,
    mirror_path="gpt2-bpe/encoder.json",
    licence=_LICENCE,
    citation=_CITATION,
)
"""Every token, in printable characters, with its number."""

MERGES = RemoteFile(
    name="gpt2-vocab.bpe",
    url="https://openaipublic.blob.core.windows.net/gpt-2/encodings/main/vocab.bpe",
    sha256="1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
    num_bytes=456_318,
    mirror_path="gpt2-bpe/vocab.bpe",
    licence=_LICENCE,
    citation=_CITATION,
)
"""The pairs that are merged, first things first."""

END_OF_TEXT = "<|endoftext|>"
"""The one token that stands for no bytes: it separates documents."""


def load_gpt2_ranks(
    *, encoder: RemoteFile = ENCODER, merges: RemoteFile = MERGES
) -> dict[bytes, int]:
    """The 50,256 tokens that stand for bytes, each with its number, which is its rank too.

    Raises:
        DatasetError: a file cannot be had or is not the pinned one, or the two disagree.
    """
    paths = fetch(encoder), fetch(merges)
    way_out = "Take both files from the same place."
    with reading(paths[0], expected="the numbers of the tokens, as JSON", way_out=way_out):
        numbers: dict[str, int] = json.loads(paths[0].read_text("utf-8"))
        numbers.pop(END_OF_TEXT, None)
        ranks = {to_bytes(token): number for token, number in numbers.items()}
    with reading(paths[1], expected="a pair of tokens in each line", way_out=way_out):
        pairs = paths[1].read_text("utf-8").split("\n")[1:]  # the first line is the version
        merged = [to_bytes(pair.replace(" ", "")) for pair in pairs if pair]
    if [ranks.get(token) for token in merged] != list(range(256, 256 + len(merged))):
        raise MalformedDataError(
            paths[1],
            expected=f"merges in the order of the numbers of {paths[0]}",
            found="another order",
            way_out=way_out,
        )
    return ranks


def to_bytes(token: str) -> bytes:
    """The bytes that a token of the published files stands for; each character is one byte."""
    return bytes(byte_of_character()[character] for character in token)


@cache
def byte_of_character() -> dict[str, int]:
    """How the published files write a byte: itself if printable, else a character from 256 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    return {chr(b): b for b in printable} | {chr(256 + i): b for i, b in enumerate(others)}
