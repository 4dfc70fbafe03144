"""What is compared and timed for GPT-2, at which sizes."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib.benchmark.comparison import Comparison, Tree
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.old_form import Check, Variant
from tutorials_lib.sequences.gpt2 import in_jax, in_numpy
from tutorials_lib.sequences.gpt2.problem import PAGE, Config
from tutorials_lib.text.decoding import Strategy, choose, probabilities

STRATEGY = Strategy()
"""What is timed draws from the model's own distribution."""

MIXED = Strategy(temperature=0.8, top_k=10, top_p=0.9)
"""All strategies at once, for the agreement."""


def make_inputs(config: Config) -> Tree:
    """Random parameters, a batch to train on, prompts to continue, and the noise of the draws.

    The tokens are drawn at random: what a step costs does not depend on what they say.
    """
    rng = np.random.default_rng(config.seed)
    shape = config.batch_size, config.context + 1
    tokens = rng.integers(config.vocab_size, size=shape, dtype=np.int32)
    return {
        "params": draw_params(in_jax.create, config, rng=rng),
        "tokens": tokens,
        "prompt": rng.integers(
            config.vocab_size, size=(config.num_texts, config.prompt_length), dtype=np.int32
        ),
        "noise": rng.gumbel(size=(config.num_texts, config.num_new_tokens, config.vocab_size)),
    }


def _loss_and_grads_in_numpy(inputs: Tree, config: Config) -> Tree:
    return in_numpy.loss_and_grads(inputs["params"], inputs["tokens"], config)


@partial(jax.jit, static_argnames="config")
def _read_in_jax(inputs: Tree, config: Config) -> Tree:
    """The logits of all tokens, their chances under all strategies at once, and the loss."""
    params, tokens = inputs["params"], inputs["tokens"]
    logits = in_jax.predict(params, tokens[:, :-1], config)
    return logits, probabilities(MIXED(logits)), in_jax.loss(params, tokens, config)


def _step_in_numpy(inputs: Tree, config: Config) -> Tree:
    state = in_numpy.start(inputs["params"], config)
    return in_numpy.train_step(state, inputs["tokens"], config)[0].params


@partial(jax.jit, static_argnames="config")
def _train_in_jax(inputs: Tree, config: Config) -> Tree:
    """The gradients, and the parameters after a step; the compiler computes them once for both."""
    params, tokens = inputs["params"], inputs["tokens"]
    state, _ = in_jax.train_step(in_jax.start(params, config), tokens, config)
    return jax.grad(in_jax.loss)(params, tokens, config), state.params


def _cached_logits_in_numpy(inputs: Tree, config: Config) -> Tree:
    """The logits after the prompt and after one token more, by way of the cache."""
    params, prompt = inputs["params"], inputs["prompt"]
    cache = in_numpy.empty_cache(params, len(prompt), config.context, config)
    first, cache = in_numpy.extend(params, cache, prompt[:, :-1], 0, config)
    second, _ = in_numpy.extend(params, cache, prompt[:, -1:], prompt.shape[1] - 1, config)
    return np.stack([first, second], axis=1)


@partial(jax.jit, static_argnames="config")
def _cached_logits_in_jax(inputs: Tree, config: Config) -> Tree:
    params, prompt = inputs["params"], inputs["prompt"]
    cache = in_jax.empty_cache(params, len(prompt), config.context, config)
    first, cache = in_jax.extend(params, cache, prompt[:, :-1], 0, config)
    second, _ = in_jax.extend(params, cache, prompt[:, -1:], prompt.shape[1] - 1, config)
    return jnp.stack([first, second], axis=1)


def _uncached_logits_in_numpy(inputs: Tree, config: Config) -> Tree:
    return in_numpy.predict(inputs["params"], inputs["prompt"], config)[:, -2:]


def _logits_in_numpy(inputs: Tree, config: Config) -> Tree:
    return in_numpy.predict(inputs["params"], inputs["tokens"][:, :-1], config)


def _arguments(inputs: Tree) -> tuple[Tree, Tree, Tree]:
    return inputs["params"], inputs["prompt"], inputs["noise"]


@partial(jax.jit, static_argnames="config")
def _next_token(
    params: Tree, cache: Tree, token: Tree, position: Tree, noise: Tree, config: Config
) -> Tree:
    logits, cache = in_jax.extend(params, cache, token[:, None], position, config)
    return choose(STRATEGY(logits), noise), cache


@partial(jax.jit, static_argnames="config")
def _first_token(params: Tree, prompt: Tree, noise: Tree, config: Config) -> Tree:
    batch, length = config.check_lengths(prompt.shape, noise.shape)
    cache = in_jax.empty_cache(params, batch, length, config)
    logits, cache = in_jax.extend(params, cache, prompt, 0, config)
    return choose(STRATEGY(logits), noise[:, 0]), cache


def _jit_each_token(inputs: Tree, config: Config) -> Tree:
    params, prompt, noise = _arguments(inputs)
    token, cache = _first_token(params, prompt, noise, config)
    chosen = [token]
    for i in range(1, config.num_new_tokens):
        position = config.prompt_length + i - 1
        token, cache = _next_token(params, cache, token, position, noise[:, i], config)
        chosen.append(token)
    return jnp.stack(chosen, axis=1)


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
    agreement=Config(
        vocab_size=300,
        context=24,
        width=32,
        num_layers=2,
        num_heads=4,
        batch_size=2,
        warmup_steps=1,
        num_texts=2,
        prompt_length=8,
        num_new_tokens=16,
    ),
    make_inputs=make_inputs,
    checks=(
        Check(
            name="logits of the next token",
            in_numpy=_logits_in_numpy,
            in_jax=lambda x, config: _read_in_jax(x, config)[0],
            float32_tolerance=1e-5,
        ),
        Check(
            name="loss",
            in_numpy=lambda x, config: _loss_and_grads_in_numpy(x, config)[0],
            in_jax=lambda x, config: _read_in_jax(x, config)[2],
            float32_tolerance=1e-5,
        ),
        Check(
            name="gradients of all parameters",
            in_numpy=lambda x, config: _loss_and_grads_in_numpy(x, config)[1],
            in_jax=lambda x, config: _train_in_jax(x, config)[0],
        ),
        Check(
            name="parameters after one training step",
            in_numpy=_step_in_numpy,
            in_jax=lambda x, config: _train_in_jax(x, config)[1],
        ),
        Check(
            name="logits with a cache in both",
            in_numpy=_cached_logits_in_numpy,
            in_jax=_cached_logits_in_jax,
            float32_tolerance=1e-5,
        ),
        Check(
            name="logits without a cache and with one",
            in_numpy=_uncached_logits_in_numpy,
            in_jax=_cached_logits_in_jax,
            float32_tolerance=1e-5,
        ),
        Check(
            name="chances under temperature, top-k and nucleus",
            in_numpy=lambda x, config: probabilities(MIXED(_logits_in_numpy(x, config))),
            in_jax=lambda x, config: _read_in_jax(x, config)[1],
        ),
        Check(
            name="tokens of a generated text",
            in_numpy=lambda x, config: in_numpy.generate(*_arguments(x), MIXED, config),
            in_jax=lambda x, config: in_jax.generate(*_arguments(x), MIXED, config),
        ),
    ),
    variants=(
        Variant(
            name="NumPy",
            backend="numpy",
            run=lambda x, config: in_numpy.generate(*_arguments(x), STRATEGY, config),
        ),
        Variant(
            name="NumPy, no cache",
            backend="numpy",
            run=lambda x, config: in_numpy.generate_without_cache(*_arguments(x), STRATEGY, config),
            explains="the same tokens, but the whole text is read again for each",
        ),
        Variant(
            name="JAX, no cache",
            backend="jax",
            run=lambda x, config: in_jax.generate_without_cache(*_arguments(x), STRATEGY, config),
            explains="the same in one compiled loop, at the full length from the start",
        ),
        Variant(
            name="JAX, jit per token",
            backend="jax",
            run=_jit_each_token,
            explains="keys and values are kept; Python chooses when the next token is read",
        ),
        Variant(
            name="JAX, jit + scan",
            backend="jax",
            run=jax.jit(
                lambda x, config: in_jax.generate(*_arguments(x), STRATEGY, config),
                static_argnums=1,
            ),
            explains="one call for the whole text; the cache is updated in place",
        ),
    ),
    tolerance=1e-5,
    tolerance_reason=(
        "The results are numbers of tokens, which must be equal; that no draw is a near tie, "
        "which rounding could tip, is a test."
    ),
)
