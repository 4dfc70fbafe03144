"""What is compared and timed for captioning, at which sizes."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.remarks import ADAM_MAGNIFIES_ROUNDING
from tutorials_lib.datasets.scenes import NOTHING
from tutorials_lib.sequences.captioning import in_jax, in_numpy, lessons, problem
from tutorials_lib.sequences.captioning.lessons import Choices, Lessons
from tutorials_lib.sequences.captioning.problem import PAGE, TINY, Config

NUM_CHECKED_STEPS = 2
"""Steps after which the states of the twins are compared."""

PICTURES = 64
"""How many the page captions at once."""


class States(NamedTuple):
    """The states of both networks."""

    encoder: Any
    decoder: Any


class Inputs(NamedTuple):
    """Random parameters, pictures to be captioned, and what the first steps of training read."""

    params: Tree
    pictures: Any
    views: Any
    viewings: Any
    lessons: Any
    choices: Any
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """Scenes of the seed 0; what the encoder would have seen of them is drawn at random."""
    count = NUM_CHECKED_STEPS * config.batch_size
    offline = dataclasses.replace(
        config,
        num_train=count,
        num_test=1,
        num_development=1,
        encoder_steps=NUM_CHECKED_STEPS,
        decoder_steps=NUM_CHECKED_STEPS,
        source="offline",
    )
    rng = np.random.default_rng(0)
    scenes = problem.load(offline).train
    params = draw_params(in_jax.create, offline, rng=rng)
    cells = problem.cells_of(scenes)
    there = (cells != NOTHING).astype(np.float32)
    presence = (0.9 * there + 0.05 * rng.random((2, *cells.shape))).astype(np.float32)
    features = rng.standard_normal((*presence.shape, config.channels[-1]), np.float32)
    return Inputs(
        params,
        scenes.pictures[: config.batch_size],
        lessons.Pictures(scenes.pictures, cells, scenes.objects),
        lessons.draw_viewings(offline, rng=rng),
        Lessons(presence, features, cells, problem.encode(scenes)),
        lessons.draw_choices(offline, rng=rng),
    )


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own states before the first steps."""
    encoder, decoder = (
        twin.start(inputs.params[name], steps, config)
        for name, steps in (("encoder", config.encoder_steps), ("decoder", config.decoder_steps))
    )
    return inputs._replace(state=States(encoder, decoder))


def first_batches(inputs: Inputs) -> tuple[lessons.Views, lessons.Glances]:
    """What the first step of both trainings reads."""
    viewings = lessons.Viewings(*(each[0] for each in inputs.viewings))
    choices = Choices(*(each[0] for each in inputs.choices))
    return lessons.view(inputs.views, viewings), lessons.glance(inputs.lessons, choices)


def look(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """What the encoder makes of pictures, and the decoder of sentences about them."""
    views, glances = first_batches(inputs)
    images = problem.turn_colors(views.pictures, views.turns)
    seen, logits = twin.encode(inputs.params["encoder"], images, config)
    told = twin.predict(inputs.params["decoder"], seen, glances.ids[:, :-1], config)
    return tuple(seen), logits, told


def encoder_loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss and gradients of the encoder."""
    return twin.encoder_loss_and_grads(inputs.params["encoder"], first_batches(inputs)[0], config)


def decoder_loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss and gradients of the decoder."""
    return twin.decoder_loss_and_grads(inputs.params["decoder"], first_batches(inputs)[1], config)


def fit(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Both whole states after a few steps, and the losses before each."""
    encoder, first = twin.fit_encoder(inputs.state.encoder, inputs.views, inputs.viewings, config)
    decoder, second = twin.fit_decoder(inputs.state.decoder, inputs.lessons, inputs.choices, config)
    return States(encoder, decoder), first, second


def search(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """What beam search keeps of every picture, and its log-probabilities."""
    images = problem.to_images(inputs.pictures, inputs.params["decoder"]["place"].dtype)
    found = twin.search(inputs.params, images, config, num_beams=config.num_beams)
    return found.words, found.beams


def caption(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Greedy captions."""
    return twin.caption(inputs.params, inputs.pictures, config)


COMPARISON = Comparison(
    slug="captioning",
    unit=f"captioning {PICTURES} pictures, greedily",
    # The page captions 64 pictures at once; the others are one alone and four times as many.
    sizes={
        f"{size} picture{'s' * (size > 1)}": dataclasses.replace(PAGE, batch_size=size)
        for size in (1, PICTURES, 4 * PICTURES)
    },
    headline=f"{PICTURES} pictures",
    agreement=TINY,
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(name="what is seen and expected", run=look, float32_tolerance=1e-4),
        Check(name="loss and gradients of the encoder", run=encoder_loss_and_grads),
        Check(name="loss and gradients of the decoder", run=decoder_loss_and_grads),
        Check(name=f"both whole states after {NUM_CHECKED_STEPS} steps", run=fit),
        Check(name="beam search", run=search),
        Check(name="greedy captions", run=caption),
    ),
    variants=(
        Variant(name="NumPy", run=caption, twin=in_numpy),
        Variant(name="JAX, op by op", run=caption, twin=in_jax),
        Variant(
            name="JAX, jit",
            run=caption,
            twin=in_jax,
            jit="whole",
            explains="one program: convolutions, and a loop over words that ends when all have",
        ),
    ),
    tolerance=1e-3,
    tolerance_reason=ADAM_MAGNIFIES_ROUNDING,
)
