"""Sentence polarity: 10,662 sentences from film reviews, praise or blame (Pang and Lee 2005)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from tutorials_lib.datasets.archives import read_zip_members
from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import MalformedDataError

SENTENCE_POLARITY = RemoteFile(
    name="sentence_polarity.zip",
    url="https://raw.githubusercontent.com/nltk/nltk_data/"
    "5db857e6f7df11eabb5e5665836db9ec8df07e28/packages/corpora/sentence_polarity.zip",
    sha256="6e1ed4405b65c7eabf1d199a7f7c437091ac21da0ea7467b410a74062574566b",
    num_bytes=490_256,
    mirror_path="sentence_polarity/sentence_polarity.zip",
    licence="CC BY 4.0",
    citation="B. Pang and L. Lee (2005), Seeing stars, "
    "https://www.cs.cornell.edu/people/pabo/movie-review-data/",
)
"""The copy of NLTK, pinned by its commit; NLTK's index lists it with the md5
5cdc0cae7f558040d050c90eb2b72e97."""

CLASS_NAMES = ("negative", "positive")
"""The judgements; a label is an index into this tuple."""

_MEMBERS = ("sentence_polarity/rt-polarity.neg", "sentence_polarity/rt-polarity.pos")
_MAX_FILE_BYTES = 1 << 20


class SentencePolarity(NamedTuple):
    """Sentences in lower case, words and signs separated by spaces; labels index `CLASS_NAMES`."""

    texts: tuple[str, ...]
    labels: Int32[np.ndarray, " sentences"]


def load_sentence_polarity(*, remote: RemoteFile = SENTENCE_POLARITY) -> SentencePolarity:
    """All sentences, blame first, each kind in the published order.

    Raises:
        DatasetError: the archive cannot be had, is not the pinned one, or holds something else
            (which of these, the subclass and the message say).
    """
    path = fetch(remote)
    contents = read_zip_members(path, dict.fromkeys(_MEMBERS, _MAX_FILE_BYTES))
    negative, positive = (
        parse_sentences(contents[member], f"{member} in {path}") for member in _MEMBERS
    )
    labels = np.repeat(np.arange(2, dtype=np.int32), (len(negative), len(positive)))
    return SentencePolarity((*negative, *positive), labels)


def parse_sentences(content: bytes, file: str) -> tuple[str, ...]:
    """The sentences of one file: a line each, in Latin-1.

    Raises:
        MalformedDataError: there is none.
    """
    lines = (" ".join(line.split()) for line in content.decode("latin-1").split("\n"))
    sentences = tuple(line for line in lines if line)
    if not sentences:
        raise MalformedDataError(
            file,
            expected="a sentence in every line",
            found="no sentence",
            way_out="Check that this is the set of sentence polarity.",
        )
    return sentences
