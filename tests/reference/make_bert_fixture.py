"""Make `bert.safetensors`, a tiny BERT of the `transformers` library, and what it answers.

    python tests/reference/make_bert_fixture.py

needs torch and transformers, which are not among the requirements of this project. The weights
are random, biases and normalizations too, so that no mistake in their names can hide. The file
looks like the published one, with the head for pairs of sentences and the old names of the
normalizations; hidden states, masked-token logits and pooled vectors are in
`bert_answers.safetensors`. `wordpiece_strings.json` beside it holds awkward strings, a small
vocabulary, and how the library's own tokenizer, which follows the published code, cuts them.
"""

import json
import random
import tempfile
from pathlib import Path

import torch  # pyright: ignore[reportMissingImports]
import transformers  # pyright: ignore[reportMissingImports]
from safetensors.torch import save_file

SEED = 0
FOLDER = Path(__file__).parent
CONFIG = transformers.BertConfig(
    vocab_size=96,
    max_position_embeddings=24,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=128,
    attn_implementation="eager",
)
OLD_NAMES = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}

STRINGS = [
    "",
    " ",
    "\t\n\r ",
    "hello world",
    "Hello, WORLD!",
    "unaffable",
    "Unaffable unaffableness",
    "don't can't o'clock",
    "naïve café — déjà vu",
    "ÀÉÎÕÜ Ångström Å",
    "e\u0301 o\u0308 a\u0323\u0302",
    "straße STRASSE ẞ",
    "İstanbul ıI",
    "ﬁne oﬀer",
    "Ελληνικά ΣΊΣΥΦΟΣ",
    "привет, мир",
    "猫が好き",
    "我喜欢cats和dogs",
    "豈更車 𠀀𠀁",
    "한국어 글자",
    "สวัสดี",
    "हिन्दी भाषा",
    "שָׁלוֹם",
    "مَرْحَبًا",
    "😍 so good 🔥🔥",
    "❤️ ❤ \ufe0f",
    "👩\u200d👩\u200d👧 family",
    "👍🏽 thumbs",
    "🇨🇭",
    "a\u00a0b\u2003c\u3000d",
    "line\u2028separator\u2029here",
    "zero\u200bwidth\u200djoin",
    "soft\u00adhyphen",
    "bell\x07 null\x00 escape\x1b",
    "file\x1csep\x1dgroup\x85next",
    "replacement \ufffd here",
    "\ufeffbom first",
    "private \ue000 use",
    "a" * 100,
    "a" * 101,
    "b" * 250 + " c",
    "...!!!???",
    "a.b,c;d:e-f_g",
    "$5 + €6 = £11 ^ ` ~ |",
    "«quoted» “curly” ‘single’ ¿qué?",
    "@user #tag http://a.b/c?d=e&f=g",
    "1,234.56 ½ ² ⅷ ①",
    "##ing ## # ing",
    "x\u0300\u0301\u0302y",
    "ABC１２３ ｆｕｌｌ",
    "!\u0301 .\u0308x",
    "tokens tokenization tokenizer",
]


def main() -> None:
    """Write the files."""
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    model = transformers.BertForPreTraining(CONFIG).eval()
    weights = {}
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        is_scale = name.endswith("LayerNorm.weight")
        parameter.data = 1 + 0.3 * noise if is_scale else 0.3 * noise
        for new, old in OLD_NAMES.items():
            name = name.replace(new, old)
        weights[name] = parameter.data.contiguous().clone()
    weights["bert.embeddings.position_ids"] = torch.arange(CONFIG.max_position_embeddings)[None]
    ids = torch.randint(1, CONFIG.vocab_size, (2, 20), generator=generator)
    ids[1, 13:] = 0
    types = torch.zeros_like(ids)
    types[0, 9:], types[1, 6:13] = 1, 1
    with torch.no_grad():
        out = model(
            ids, attention_mask=(ids != 0).long(), token_type_ids=types, output_hidden_states=True
        )
        pooled = model.bert.pooler(out.hidden_states[-1])
    answers = {
        "ids": ids.to(torch.int32),
        "types": types.to(torch.int32),
        "hidden": torch.stack(out.hidden_states),
        "logits": out.prediction_logits,
        "pooled": pooled,
    }
    metadata = {
        "seed": str(SEED),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "num_heads": str(CONFIG.num_attention_heads),
    }
    save_file(weights, FOLDER / "bert.safetensors", metadata)
    answers = {name: array.contiguous() for name, array in answers.items()}
    save_file(answers, FOLDER / "bert_answers.safetensors", metadata)
    (FOLDER.parent / "text" / "wordpiece_strings.json").write_text(
        json.dumps(cut_strings(), ensure_ascii=False, separators=(",", ":")), "utf-8"
    )


def cut_strings() -> dict[str, object]:
    """The strings, some more at random, and their numbers."""
    rng = random.Random(SEED)
    alphabet = "aAbBzZ09 .,'\"-_éÉßñ猫😍\u0301\u00a0\u200b\x1c#@[]\t"
    strings = STRINGS + ["".join(rng.choices(alphabet, k=20)) for _ in range(40)]
    letters = [*"abcdefghijklmnopqrstuvwxyz0123456789", *"!\"#$%&'()*+,-./:;?@[]^_`|~—«»“”‘’"]
    words = ["hello", "world", "un", "##aff", "##able", "token", "##ization", "##izer", "so"]
    others = ["good", "猫", "好", "き", "😍", "🔥", "❤", "user", "tag", "##ing", "мир", "₂"]
    continued = [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz0123456789"]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = [*special, *letters, *continued, *words, *others]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "vocab.txt")
        file.write_text("\n".join(vocabulary), "utf-8")
        tokenizer = transformers.BertTokenizer(str(file))
        cases = [
            {"text": text, "ids": tokenizer.convert_tokens_to_ids(tokenizer.tokenize(text))}
            for text in strings
        ]
    return {"transformers": transformers.__version__, "vocabulary": vocabulary, "strings": cases}


if __name__ == "__main__":
    main()
