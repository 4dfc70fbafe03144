"""What is compared and timed for BERT, at which sizes."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.sequences.bert import in_jax, in_numpy, problem
from tutorials_lib.sequences.bert.problem import PAGE, TINY, Config

NUM_PARTS = 3
"""Into how many parts of similar lengths the posts to be labelled are sorted."""


class Inputs(NamedTuple):
    """Random parameters, posts to label, and batches of both trainings."""

    params: Tree
    parts: Any
    ids: Any
    labels: Any
    posts: Any
    masked: Any
    state: Any = None


class States(NamedTuple):
    """Before the first step of pretraining, and of fine-tuning."""

    pretraining: Any
    tuning: Any


def make_inputs(config: Config) -> Inputs:
    """Posts of the seed 0."""
    few = min(config.num_unlabelled, 2_000)
    offline = dataclasses.replace(config, source="offline", num_unlabelled=few)
    data = problem.load(offline)
    rng = np.random.default_rng(0)
    test, ids = (
        problem.to_ids(split.texts, data.tokenizer, offline) for split in (data.test, data.train)
    )
    one_step = dataclasses.replace(offline, num_pretraining_steps=1)
    batch = problem.draw_masked(ids, data.tokenizer, one_step, rng=rng)
    return Inputs(
        params=draw_params(in_jax.create, offline, len(data.tokenizer), rng=rng),
        parts=problem.by_length(test, min(NUM_PARTS, len(test))),
        ids=ids[: config.batch_size],
        labels=data.train.labels[: config.batch_size],
        posts=ids,
        masked=jax.tree.map(lambda array: array[0], batch),
    )


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own states before the first step."""
    start = twin.start_pretraining(inputs.params, config), twin.start(inputs.params, config)
    return inputs._replace(state=States(*start))


def label(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The logits of all posts, part by part, each padded to its own longest post."""
    return [twin.predict(inputs.params, ids, config) for ids in inputs.parts]


def label_padded(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The same with all posts padded to the longest of all, in one array."""
    longest = max(ids.shape[1] for ids in inputs.parts)
    padded = [jnp.pad(ids, ((0, 0), (0, longest - ids.shape[1]))) for ids in inputs.parts]
    logits = twin.predict(inputs.params, jnp.concatenate(padded), config)
    return jnp.split(logits, np.cumsum([len(ids) for ids in inputs.parts])[:-1])


def guess(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The logits of the hidden pieces."""
    batch = inputs.masked
    return twin.guess(inputs.params, inputs.posts[batch.rows], batch.places, config)


def masked_loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss and gradients of guessing."""
    return twin.masked_loss_and_grads(
        inputs.state.pretraining.params, inputs.posts, inputs.masked, config
    )


def loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss and gradients of the labels."""
    return twin.loss_and_grads(inputs.state.tuning.params, inputs.ids, inputs.labels, config)


def train_steps(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Both states after two steps, and the losses before them."""
    before, tuning = inputs.state
    losses = []
    for _ in range(2):
        before, first = twin.pretrain_step(before, inputs.posts, inputs.masked, config)
        tuning, second = twin.train_step(tuning, inputs.ids, inputs.labels, config)
        losses += [first, second]
    return States(before, tuning), losses


COMPARISON = Comparison(
    slug="bert",
    unit="labelling posts",
    # The page labels 2,000 held-out posts at once; the other sizes are one post, and a few.
    sizes={
        "1 post": dataclasses.replace(PAGE, num_test=1),
        "50 posts": dataclasses.replace(PAGE, num_test=50),
        "2,000 posts": PAGE,
    },
    headline="2,000 posts",
    agreement=TINY,
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(name="logits of the labels", run=label, float32_tolerance=1e-4),
        Check(name="logits of hidden pieces", run=guess, float32_tolerance=1e-4),
        Check(name="loss and gradients, guessing", run=masked_loss_and_grads),
        Check(name="loss and gradients, labels", run=loss_and_grads),
        Check(name="both states after two steps", run=train_steps, float32_tolerance=None),
    ),
    variants=(
        Variant(name="NumPy", run=label, twin=in_numpy),
        Variant(
            name="JAX, jit, one length",
            run=label_padded,
            twin=in_jax,
            jit="whole",
            explains="one program, all posts padded to the longest",
        ),
        Variant(
            name="JAX, jit, by length",
            run=label,
            twin=in_jax,
            jit="whole",
            explains="the same for three lengths, with less padding",
        ),
    ),
    tolerance=1e-3,
    tolerance_reason=(
        "The products are summed in another order, and three or four of them follow each other "
        "in every block."
    ),
)
