"""GPT-2: the shape of a model, the text that it learns from, and how it is judged (NumPy)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int32

from tutorials_lib import presets, schedules
from tutorials_lib.datasets import documentation, tinyshakespeare
from tutorials_lib.text.bpe import BytePairEncoding, train_bpe

ADAM_EPSILON = 1e-6
"""Above the rounding of a zero: attention does not change when all keys are shifted, so that the
gradient of their bias is zero, and with a smaller number Adam would make steps of its rounding."""

MOMENTUM = 0.95
"""The share of Muon's running sum of gradients that the next step keeps."""

MUON_SHARE = 2.5
"""Muon's learning rate, as a multiple of Adam's: its steps have another size."""

QUINTIC = (3.4445, -4.7750, 2.0315)
"""The coefficients of Muon's polynomial (Jordan et al. 2024)."""

NUM_ROUNDS = 4
"""How often Muon applies its polynomial in one step."""

Tokens = Int32[np.ndarray, " time"]
Batch = Int32[np.ndarray, "batch time"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """One model and one training run.

    Attributes:
        vocab_size: tokens that the model knows, the end of text among them.
        context: tokens that it sees at most; positions are learned, so there are no more.
        width: numbers in the vector that stands for a token.
        num_layers: blocks of attention and a two-layer network.
        num_heads: attention patterns in each block; they share the width.
        text_bytes: how much text is read, in bytes; a tenth each is held out twice.
        batch_size: windows of `context` tokens in one training step.
        num_steps: training steps.
        warmup_steps: of these, the first ones, in which the learning rate rises.
        peak_learning_rate: what it rises to, before it falls to zero; Adam's, see `MUON_SHARE`.
        num_texts: texts that are continued at the same time, when that is timed.
        prompt_length: tokens that are given of each then.
        num_new_tokens: tokens by which each is continued then.
        source: `offline` for the documentation of packages, `real` for Tiny Shakespeare.

    Raises:
        ValueError: the heads do not share the width evenly, or a text would not fit the context.
    """

    vocab_size: int = 1024
    context: int = 128
    width: int = 64
    num_layers: int = 2
    num_heads: int = 2
    text_bytes: int = 1_200_000
    batch_size: int = 8
    num_steps: int = 700
    warmup_steps: int = 40
    peak_learning_rate: float = 8e-3
    num_texts: int = 1
    prompt_length: int = 16
    num_new_tokens: int = 64
    source: str = "offline"

    def __post_init__(self) -> None:
        if self.width % self.num_heads:
            raise ValueError(f"{self.num_heads} heads cannot share a width of {self.width}")
        self.check_lengths((self.num_texts, self.prompt_length), (1, self.num_new_tokens))
        presets.check_source(self.source)

    def check_lengths(self, prompt: tuple[int, ...], noise: tuple[int, ...]) -> tuple[int, int]:
        """The number of texts, and the tokens of each, by the shapes of prompt and noise.

        Raises:
            ValueError: there is nothing to continue, or the texts would outgrow the context.
        """
        if prompt[1] < 1 or noise[1] < 1:
            raise ValueError(f"{prompt[1]} tokens to continue by {noise[1]}; both need one or more")
        length = prompt[1] + noise[1]
        if length > self.context:
            raise ValueError(
                f"{prompt[1]} tokens and {noise[1]} new ones are {length}, but the model has "
                f"positions for {self.context}"
            )
        return prompt[0], length


TINY = Config(
    vocab_size=300,
    context=24,
    width=16,
    num_layers=2,
    num_heads=2,
    text_bytes=30_000,
    batch_size=4,
    num_steps=20,
    warmup_steps=4,
    prompt_length=4,
    num_new_tokens=8,
)
PAGE = Config()
FULL = Config(
    vocab_size=4096,
    context=256,
    width=256,
    num_layers=6,
    num_heads=8,
    text_bytes=5_000_000,
    batch_size=16,
    num_steps=20_000,
    warmup_steps=200,
)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


@cache
def learning_rates(config: Config) -> Float32[np.ndarray, " counts"]:
    """Adam's rate of every step: up, level, and down to zero over the last 60 %.

    The zero at the end is that of all steps beyond the last.
    """
    count = np.arange(config.num_steps + 1)
    up = (count + 1) / config.warmup_steps
    down = (config.num_steps - count) / (0.6 * config.num_steps)
    return schedules.constant(config.peak_learning_rate * np.minimum(np.minimum(up, down), 1))


class Texts(NamedTuple):
    """Documents, and where they come from.

    Attributes:
        train: to learn from.
        development: to choose the settings of the baselines with.
        test: held out; decides nothing.
        source: what the documents are, in a few words.
    """

    train: Sequence[str]
    development: Sequence[str]
    test: Sequence[str]
    source: str


def load_texts(config: Config) -> Texts:
    """Read about `config.text_bytes` of text, and hold out two tenths of it, whole documents.

    Raises:
        DatasetError: the text cannot be had.
    """
    if config.source == "real":
        documents = _capped(tinyshakespeare.load_tinyshakespeare(), config.text_bytes)
        source = f"Tiny Shakespeare, sha256 {tinyshakespeare.TINYSHAKESPEARE.sha256[:16]}"
    else:
        found = documentation.load_documentation(config.text_bytes)
        documents = found.documents
        source = f"docstrings of {_listed(found.versions)}, sha256 {found.sha256[:16]}"
    tenth = len(documents) // 10
    train, held_out = documents[: -2 * tenth], documents[-2 * tenth :]
    return Texts(train, held_out[:tenth], held_out[tenth:], source)


def _capped(documents: Sequence[str], num_bytes: int) -> Sequence[str]:
    ends = np.cumsum([len(document.encode()) for document in documents])
    return documents[: int(np.searchsorted(ends, num_bytes)) + 1]


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def opening(config: Config) -> str:
    """A beginning that the page lets the model continue."""
    return "First Citizen:\n" if config.source == "real" else "Compute the"


def fit_tokenizer(texts: Texts, config: Config) -> BytePairEncoding:
    """A vocabulary of its own, learned from the training documents and no others."""
    return train_bpe(texts.train, vocab_size=config.vocab_size)


class Data(NamedTuple):
    """The documents, the vocabulary learned from them, and each part as one row of tokens."""

    texts: Texts
    tokenizer: BytePairEncoding
    train: Tokens
    development: Tokens
    test: Tokens


def load(config: Config) -> Data:
    """`load_texts`, cut into tokens. Nothing is drawn, so there is no seed.

    Raises:
        DatasetError: the text cannot be had.
    """
    texts = load_texts(config)
    tokenizer = fit_tokenizer(texts, config)
    parts = (texts.train, texts.development, texts.test)
    return Data(texts, tokenizer, *map(tokenizer.encode_documents, parts))


def num_bytes(documents: Sequence[str]) -> int:
    """The length of the documents in UTF-8: what bits per byte are counted in."""
    return sum(len(document.encode()) for document in documents)


class Windows(NamedTuple):
    """A long text in windows of one length, and which of their tokens are to be judged.

    Attributes:
        tokens: windows with one token more than the context; the first is never judged.
        judged: whether a token, the first left out, counts; every token of the text but its
            first counts in exactly one window.
    """

    tokens: Batch
    judged: Float[np.ndarray, "batch context"]

    def total(self, losses: Float[np.ndarray, "batch context"]) -> float:
        """The sum of the losses of the tokens that are judged."""
        return float((losses * self.judged).sum(dtype=np.float64))


def windows(tokens: Tokens, config: Config) -> Windows:
    """Windows that overlap by half, so that a judged token sees at least half a context.

    Only the first window judges all its tokens; the others judge their second half.
    """
    stride = config.context // 2
    last = max(len(tokens) - 1 - config.context, 0)
    starts = np.array([*range(0, last, stride), last])
    whole = np.resize(tokens, max(len(tokens), config.context + 1))
    places = starts[:, None] + np.arange(1, config.context + 1)
    judged_before = np.concatenate([[0], places[:-1, -1]])
    judged = (places > judged_before[:, None]) & (places < len(tokens))
    first_of_each = np.concatenate([starts[:, None], places], axis=1)
    return Windows(whole[first_of_each].astype(np.int32), judged.astype(np.float32))


def bits_per_byte(total_nats: float | np.floating, documents: Sequence[str]) -> float:
    """A total negative log-likelihood as bits for each byte of text, whatever the tokens are."""
    return float(total_nats) / math.log(2) / num_bytes(documents)
