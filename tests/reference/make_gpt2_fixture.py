"""Make `gpt2.safetensors`, a tiny GPT-2 of the `transformers` library, and what it answers.

    python tests/reference/make_gpt2_fixture.py

needs torch and transformers, which are not among the requirements of this project. The weights
are random, biases and normalizations too, so that no mistake in their names can hide. The file
looks like the published ones, masks included; tokens and logits are in `gpt2_answers.safetensors`.
"""

from pathlib import Path

import torch  # pyright: ignore[reportMissingImports]
import transformers  # pyright: ignore[reportMissingImports]
from safetensors.torch import save_file

SEED = 0
FOLDER = Path(__file__).parent
CONFIG = transformers.GPT2Config(
    vocab_size=96, n_positions=32, n_embd=32, n_layer=2, n_head=4, attn_implementation="eager"
)


def main() -> None:
    """Write the file."""
    generator = torch.Generator().manual_seed(SEED)
    model = transformers.GPT2LMHeadModel(CONFIG).eval()
    weights = {}
    for name, parameter in model.transformer.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        is_scale = name.endswith("weight") and parameter.ndim == 1
        parameter.data = 1 + 0.3 * noise if is_scale else 0.3 * noise
        weights[name] = parameter.data
    mask = torch.tril(torch.ones(CONFIG.n_positions, CONFIG.n_positions))
    for i in range(CONFIG.n_layer):
        weights[f"h.{i}.attn.bias"] = mask.to(torch.uint8)[None, None]
    tokens = torch.randint(CONFIG.vocab_size, (2, 24), generator=generator)
    with torch.no_grad():
        logits = model(tokens).logits
    metadata = {
        "seed": str(SEED),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "num_heads": str(CONFIG.n_head),
    }
    weights = {name: array.contiguous().clone() for name, array in weights.items()}
    answers = {"tokens": tokens.to(torch.int32), "logits": logits}
    save_file(weights, FOLDER / "gpt2.safetensors", metadata)
    save_file(answers, FOLDER / "gpt2_answers.safetensors", metadata)


if __name__ == "__main__":
    main()
