"""What is compared and timed for GPT-2, at which sizes."""

import dataclasses
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.sequences.gpt2 import in_jax, in_numpy
from tutorials_lib.sequences.gpt2.problem import PAGE, TINY, Config
from tutorials_lib.text.decoding import Strategy, probabilities
from tutorials_lib.trees import unravel

STRATEGY = Strategy()
"""What is timed draws from the model's own distribution."""

MIXED = Strategy(temperature=0.8, top_k=10, top_p=0.9)
"""All strategies at once."""


class Inputs(NamedTuple):
    """Random parameters, a batch to train on, prompts to continue, and the noise of the draws."""

    params: Tree
    tokens: Any
    prompt: Any
    noise: Any
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """Tokens drawn at random: what a step costs does not depend on what they say."""
    rng = np.random.default_rng(0)
    draw = partial(rng.integers, config.vocab_size, dtype=np.int32)
    tokens = draw(size=(config.batch_size, config.context + 1))
    return Inputs(
        params=draw_params(in_jax.create, config, rng=rng),
        tokens=tokens,
        prompt=draw(size=(config.num_texts, config.prompt_length)),
        noise=rng.gumbel(size=(config.num_texts, config.num_new_tokens, config.vocab_size)),
    )


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own state before the first training step."""
    return inputs._replace(state=twin.start(inputs.params, config))


def canonical(result: Tree) -> Tree:
    """A state as its parameters and, in the order of Optax, what the optimizers remember."""
    match result:
        case in_numpy.State(params, in_numpy.OptState(muon, adam)):
            others = in_numpy.split(params)[1]
            moments = unravel(adam.mu, others), unravel(adam.nu, others)
            return params, jax.tree.leaves((adam.steps, *moments, adam.steps, muon))
        case in_jax.State(params, opt_state):
            return params, jax.tree.leaves(opt_state)
        case tuple():
            return tuple(map(canonical, result))
        case _:
            return result


def read(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Logits and chances of the next tokens, and the logits after a prompt by way of the cache."""
    logits = twin.predict(inputs.params, inputs.tokens[:, :-1], config)
    cache = twin.empty_cache(inputs.params, len(inputs.prompt), config.context, config)
    before, last = inputs.prompt[:, :-1], inputs.prompt[:, -1:]
    first, cache = twin.extend(inputs.params, cache, before, 0, config)
    second, _ = twin.extend(inputs.params, cache, last, before.shape[1], config)
    return logits, probabilities(MIXED(logits)), (first, second)


def train(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss and gradients, and the whole state after one step."""
    loss, grads = twin.loss_and_grads(inputs.params, inputs.tokens, config)
    return loss, grads, twin.train_step(inputs.state, inputs.tokens, config)


def generate(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The new tokens of every text."""
    return twin.generate(inputs.params, inputs.prompt, inputs.noise, STRATEGY, config)


def generate_without_cache(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The same tokens as `generate`; the whole text is read again for each of them."""
    return twin.generate_without_cache(inputs.params, inputs.prompt, inputs.noise, STRATEGY, config)


def generate_by_calls(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The same tokens as `generate`; Python calls a compiled program for each of them."""
    params, tokens, noise = inputs.params, inputs.prompt, inputs.noise
    next_token = jax.jit(twin.next_token, static_argnames=("strategy", "config"))
    batch, length = config.check_lengths(tokens.shape, noise.shape)
    cache = twin.empty_cache(params, batch, length, config)
    position, chosen = 0, []
    for i in range(config.num_new_tokens):
        token, cache = next_token(params, cache, tokens, position, noise[:, i], STRATEGY, config)
        chosen.append(token)
        position, tokens = position + tokens.shape[1], token
    return jnp.concatenate(chosen, axis=1)


COMPARISON = Comparison(
    slug="gpt2",
    unit="64 new tokens for every text",
    # The page continues one text at a time; the others are what a small service would see.
    sizes={
        "1 text": PAGE,
        "8 texts": dataclasses.replace(PAGE, num_texts=8),
        "32 texts": dataclasses.replace(PAGE, num_texts=32),
    },
    headline="1 text",
    agreement=dataclasses.replace(TINY, width=32, num_heads=4, num_texts=2, num_new_tokens=16),
    make_inputs=make_inputs,
    prepare=prepare,
    canonical=canonical,
    checks=(
        Check(
            name="logits of the next token", run=read, pick=itemgetter(0), float32_tolerance=1e-5
        ),
        Check(name="chances under temperature, top-k and nucleus", run=read, pick=itemgetter(1)),
        Check(name="logits with a cache", run=read, pick=itemgetter(2), float32_tolerance=1e-5),
        Check(name="loss", run=train, pick=itemgetter(0), float32_tolerance=1e-5),
        Check(name="gradients of all parameters", run=train, pick=itemgetter(1)),
        Check(name="the whole state after one step", run=train, pick=itemgetter(2)),
        Check(name="tokens of a generated text", run=generate),
    ),
    variants=(
        Variant(name="NumPy", run=generate, twin=in_numpy),
        Variant(
            name="NumPy, no cache",
            run=generate_without_cache,
            twin=in_numpy,
            explains="the same tokens, but the whole text is read again for each",
        ),
        Variant(
            name="JAX, no cache",
            run=generate_without_cache,
            twin=in_jax,
            jit="whole",
            explains="the same in one compiled loop, at the full length from the start",
        ),
        Variant(
            name="JAX, jit per token",
            run=generate_by_calls,
            twin=in_jax,
            jit="own",
            explains="keys and values are kept; Python chooses when the next token is read",
        ),
        Variant(
            name="JAX, jit + scan",
            run=generate,
            twin=in_jax,
            jit="whole",
            explains="one call for the whole text; the cache is updated in place",
        ),
    ),
    tolerance=1e-5,
    tolerance_reason=(
        "The results are numbers of tokens, which must be equal; that no draw is a near tie, "
        "which rounding could tip, is a test."
    ),
)
