"""What the network writes about unseen scenes, beside the nearest picture and two pipelines.

The judged captions are greedy, the most probable word each time; those of beam search are in the
details.
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int, UInt8

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.datasets.scene_captions import Words
from tutorials_lib.datasets.scenes import Scenes
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.metrics.captions import bleu
from tutorials_lib.sequences.captioning import in_jax, lessons, problem, rivals
from tutorials_lib.sequences.captioning.encoder_in_jax import Seen
from tutorials_lib.sequences.captioning.lessons import Lessons, Pictures
from tutorials_lib.sequences.captioning.problem import Config, Data
from tutorials_lib.sequences.captioning.rivals import RIVALS, exact, unseen

METRIC = "share of captions that are exactly true, seen pairs"
MODEL, BEAMS = "CNN and LSTM", "CNN and LSTM, beam search"

_AT_ONCE = 100
"""Pictures that go through the network together."""

Written = Mapping[str, list[Words]]
"""Captions by the name of the split."""


class Trained(NamedTuple):
    """Both networks, and what they learned from.

    Attributes:
        config: of the networks.
        data: the scenes.
        params: after training.
        losses: before every step, of the encoder and of the decoder.
        seconds: of both trainings and of looking at all pictures between them.
        captions: of every split but `train`, by the name of the method, where they have been
            written.
    """

    config: Config
    data: Data
    params: in_jax.Params
    losses: dict[str, Float[np.ndarray, " steps"]]
    seconds: float
    captions: dict[str, Written] | None = None


def train(config: Config, *, seed: int, data: Data | None = None) -> Trained:
    """Train the encoder, look at all pictures, and train the decoder on what has been seen."""
    data = problem.load(config, seed=seed) if data is None else data
    rng = np.random.default_rng([seed, len(data)])
    params = in_jax.create(config, jax.random.key(seed))
    given = Pictures(data.train.pictures, problem.cells_of(data.train), data.train.objects)
    state = in_jax.start(params["encoder"], config.encoder_steps, config)
    viewings = lessons.draw_viewings(config, rng=rng)
    inputs = jax.device_put((state, given, viewings))
    fit = in_jax.compiled_fit_encoder.lower(*inputs, config).compile()  # not to be timed
    (state, first), encoding = timed(fit, *inputs)
    encoder = state.params
    given, looking = timed(remember, encoder, data.train, config, rng=rng)
    state = in_jax.start(params["decoder"], config.decoder_steps, config)
    inputs = jax.device_put((state, given, lessons.draw_choices(config, rng=rng)))
    fit = in_jax.compiled_fit_decoder.lower(*inputs, config).compile()
    (state, second), decoding = timed(fit, *inputs)
    losses = {"encoder": np.asarray(first), "decoder": np.asarray(second)}
    params = {"encoder": encoder, "decoder": state.params}
    return Trained(config, data, params, losses, encoding + looking + decoding)


def remember(
    encoder: in_jax.Params, scenes: Scenes, config: Config, *, rng: np.random.Generator
) -> Lessons:
    """What the encoder sees of every picture with its colours turned, and as it is."""
    count = len(scenes.pictures)
    turned = lessons.draw_turns((count,), rng=rng)
    as_it_is = np.broadcast_to(np.eye(3, dtype=np.float32), turned.shape)
    presence, features = [], []
    for turns in (turned, as_it_is):
        seen, _ = look_at(encoder, scenes.pictures, turns, config)
        presence.append(seen.presence)
        features.append(np.asarray(seen.features, np.float16))
    cells, captions = problem.cells_of(scenes), problem.encode(scenes)
    return Lessons(np.stack(presence), np.stack(features), cells, captions)


def look_at(
    encoder: in_jax.Params,
    pictures: UInt8[np.ndarray, "scenes 48 48 3"],
    turns: Float[np.ndarray, "scenes 3 3"],
    config: Config,
) -> tuple[Seen, Float[np.ndarray, "scenes cells logits"]]:
    """What the encoder makes of many pictures, some at a time: for the decoder, and logits."""
    parts = [
        in_jax.compiled_see(encoder, pictures[i : i + _AT_ONCE], turns[i : i + _AT_ONCE], config)
        for i in range(0, len(pictures), _AT_ONCE)
    ]
    return jax.tree.map(lambda *each: np.concatenate(each), *parts)


def write(trained: Trained, scenes: Scenes, *, num_beams: int = 1) -> list[Words]:
    """Captions of scenes, some at a time; one beam is greedy."""
    return problem.to_sentences(write_ids(trained, scenes.pictures, num_beams=num_beams))


def write_ids(
    trained: Trained, pictures: UInt8[np.ndarray, "scenes 48 48 3"], *, num_beams: int = 1
) -> Int[np.ndarray, "scenes length"]:
    """The same as ids, with the end of each."""
    parts = [
        in_jax.compiled_caption(
            trained.params, pictures[i : i + _AT_ONCE], trained.config, num_beams=num_beams
        )
        for i in range(0, len(pictures), _AT_ONCE)
    ]
    return np.concatenate(parts)


def with_captions(trained: Trained) -> Trained:
    """The same, with captions by the network, greedy and by beam search, and by the rivals."""
    beams = trained.config.num_beams
    captions: dict[str, Written] = {
        name: {split: write(trained, scenes, num_beams=num) for split, scenes in each.items()}
        for name, num, each in (
            (MODEL, 1, unseen(trained.data)),
            (BEAMS, beams, unseen(trained.data)),
        )
    }
    return trained._replace(captions=captions | by_rivals(trained.data, seed=0))


def by_rivals(data: Data, *, seed: int) -> dict[str, Written]:
    """The captions of every rival."""
    return {name: each.captions for name, each in rivals.write_all(data, seed=seed).items()}


# ---------------------------------------------------------------- judgement


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """The nearest picture's caption, classifiers with a template, and a pipeline by hand."""
    return _scores(by_rivals(data, seed=seed), data)


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """What was `trained`, or is trained now, beside its rivals on the same scenes.

    The details are BLEU and the share of true captions of every method, on both splits that judge.
    """
    trained = train(config, seed=seed) if trained is None else trained
    trained = with_captions(trained) if trained.captions is None else trained
    captions, data = trained.captions or {}, trained.data
    scores = _scores(captions, data)
    return Judgement(
        metric=METRIC,
        value=scores[MODEL].held_out,
        baselines={name: scores[name] for name in RIVALS},
        training_seconds=trained.seconds,
        details={name: by_split(each, data) for name, each in captions.items()},
    )


def by_split(captions: Written, data: Data) -> dict[str, float]:
    """BLEU and the share of true captions on seen and on unseen pairs."""
    found = {}
    for split, scenes in (("test", data.test), ("pairs", data.pairs)):
        found[f"exact, {split}"] = exact(captions[split], scenes)
        found[f"BLEU, {split}"] = bleu(captions[split], problem.references_of(scenes))
    return found


def _scores(captions: Mapping[str, Written], data: Data) -> dict[str, Score]:
    return {
        name: Score(exact(each["development"], data.development), exact(each["test"], data.test))
        for name, each in captions.items()
    }
