"""Make `tests/text/awkward_strings.json`: fifty strings, and the numbers that tiktoken gives them.

    TUTORIALS_DATA_MIRROR=... python tests/reference/make_awkward_strings.py

needs the published vocabulary. Only the part of it that some pair of neighbours in these strings
can become is written, with the published numbers: with it, encoding goes the same way.
"""

import json
from pathlib import Path

import regex
import tiktoken

from tutorials_lib.datasets.gpt2_bpe import byte_of_character, load_gpt2_ranks
from tutorials_lib.text.bpe import PATTERN

OUTPUT = Path(__file__).parent.parent / "text" / "awkward_strings.json"
STRINGS = [
    "",
    " ",
    "  ",
    " " * 7,
    " " * 100,
    "\n",
    "\n\n\n",
    "\t\t x",
    "\r\n\r\n",
    " \n \n ",
    "a  b",
    "a \n b",
    "trailing   ",
    "   leading",
    "\x00",
    "\x00\x01\x02\x1f\x7f",
    "\x1b[31mred\x1b[0m",
    "bell\x07 and back\x08",
    "\u200b",
    "zero\u200bwidth",
    "\ufeffmark",
    "\u00a0no\u00a0break",
    "\u2028line\u2029paragraph",
    "\U0001f600",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\U0001f1e8\U0001f1ed",
    "thumbs \U0001f44d\U0001f3fd up",
    "\u2764\ufe0f",
    "caf\u00e9",
    "cafe\u0301",
    "na\u00efve r\u00e9sum\u00e9",
    "\u732b\u304c\u597d\u304d",
    "\ud55c\uad6d\uc5b4",
    "\u0645\u0631\u062d\u0628\u0627",
    "\u05e9\u05dc\u05d5\u05dd",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440!",
    "\u0928\u092e\u0938\u094d\u0924\u0947",
    "\U0001d54f \u2208 \u211d\u207f",
    "x\u00b2 + y\u00b2 \u2264 1\u00bd",
    "3.14159 1,000,000 0x1F",
    "\u0661\u0662\u0663 \u2167",
    "I'm you're he'll we've she'd it's",
    "I'M YOU'RE",
    "''''",
    "don\u2019t",
    "<|endoftext|>",
    "def f(x):\n    return x ** 2  # square\n",
    "snake_case camelCase __dunder__",
    "!!!???...---===",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
]


def reachable(word: bytes, ranks: dict[bytes, int]) -> set[bytes]:
    """Every token of the vocabulary that stands somewhere in the word."""
    ends = range(1, len(word) + 1)
    pieces = {word[i:j] for j in ends for i in range(max(0, j - 80), j)}
    return {piece for piece in pieces if piece in ranks}


def main() -> None:
    """Write the file."""
    ranks = load_gpt2_ranks()
    theirs = tiktoken.Encoding(
        "gpt2", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 50256}
    )
    needed = {bytes([byte]) for byte in range(256)}
    for text in STRINGS:
        for word in regex.findall(PATTERN, text):
            needed |= reachable(word.encode(), ranks)
    character = {byte: char for char, byte in byte_of_character().items()}
    vocabulary = {
        "".join(character[byte] for byte in token): ranks[token]
        for token in sorted(needed, key=ranks.__getitem__)
    }
    cases = [{"text": text, "tokens": theirs.encode_ordinary(text)} for text in STRINGS]
    content = {"tiktoken": tiktoken.__version__, "strings": cases, "vocabulary": vocabulary}
    OUTPUT.write_text(json.dumps(content, separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    main()
