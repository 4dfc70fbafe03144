"""Captions of scenes: the twins agree, cells and words are what they should be, search is right."""

import dataclasses
from functools import partial
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib.benchmark.agreement import make_inputs
from tutorials_lib.datasets.errors import DatasetError
from tutorials_lib.datasets.scene_captions import captions_of, say
from tutorials_lib.datasets.scenes import COLORS, NOTHING, SHAPES, draw_scenes, take
from tutorials_lib.sequences.captioning import (
    comparison,
    encoder_in_numpy,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    lessons,
    problem,
    reading,
    rivals,
)
from tutorials_lib.sequences.captioning.evaluation import BEAMS, MODEL
from tutorials_lib.sequences.captioning.problem import TINY
from tutorials_lib.sequences.captioning.rivals import BLOBS, CLASSIFIERS, NEAREST
from tutorials_lib.text.parallel import END, START
from tutorials_lib.text.vocabulary import PADDING

ENDING = 3.0
"""With this more for the end of a sentence, beams of random parameters end at several lengths."""


@pytest.fixture(scope="module")
def inputs() -> comparison.Inputs:
    return make_inputs(comparison.COMPARISON, TINY, np.float64)


@pytest.fixture(scope="module")
def trained() -> evaluation.Trained:
    return evaluation.train(TINY, seed=0)


# --- The twins --------------------------------------------------------------------------------


def test_the_encoder_has_the_slope_that_differences_show(inputs: comparison.Inputs):
    """Along one direction of all its parameters; the first convolution by itself, too.

    A step so small crosses no kink of the largest of four or of the positive part.
    """
    views, _ = comparison.first_batches(inputs)
    params = inputs.params["encoder"]
    _, grads = in_numpy.encoder_loss_and_grads(params, views, TINY)
    rng = np.random.default_rng(0)
    for names in (list(params), ["conv1"]):
        along = jax.tree.map(np.zeros_like, params)
        for name in names:
            along[name] = jax.tree.map(lambda a: rng.standard_normal(a.shape), params[name])
        slope = sum(jax.tree.leaves(jax.tree.map(np.vdot, grads, along)))
        ahead, behind = (
            in_numpy.encoder_loss_and_grads(
                jax.tree.map(lambda a, b, h=h: a + h * b, params, along), views, TINY
            )[0]
            for h in (1e-7, -1e-7)
        )
        assert (ahead - behind) / 2e-7 == pytest.approx(slope, rel=1e-5)


def test_the_losses_promote_nothing_silently():
    inputs = make_inputs(comparison.COMPARISON, TINY, np.float32)
    batches = comparison.first_batches(inputs)
    for name, loss, batch in zip(
        ("encoder", "decoder"),
        (in_jax.encoder_loss_and_grads, in_jax.decoder_loss_and_grads),
        batches,
        strict=True,
    ):
        params, batch = jax.tree.map(jnp.asarray, (inputs.params[name], batch))
        grads = jax.eval_shape(lambda p, b, f=loss: f(p, b, TINY)[1], params, batch)
        assert {leaf.dtype for leaf in jax.tree.leaves(grads)} == {np.dtype(np.float32)}


def test_what_the_loss_does_not_ask_for_has_no_gradient(inputs: comparison.Inputs):
    """Where all colours are turned, no logit of a colour is moved, in cells and in words."""
    views, glances = comparison.first_batches(inputs)
    turned = views._replace(kept=np.zeros_like(views.kept))
    _, grads = in_numpy.encoder_loss_and_grads(inputs.params["encoder"], turned, TINY)
    assert not grads["head"]["bias"][3:9].any()
    assert grads["head"]["bias"][9:].any()
    turned = glances._replace(kept=np.zeros_like(glances.kept))
    params = jax.tree.map(np.copy, inputs.params["decoder"])
    expected, _ = in_numpy.decoder_loss_and_grads(params, turned, TINY)
    ids = [problem.vocabulary().ids[color] for color in COLORS]
    # At places of other words their logits still count; as labels they do not.
    labels = glances.ids[:, 1:]
    asked = problem.asked_words()[0][labels]
    assert not asked[np.isin(labels, ids)].any()
    assert np.isfinite(expected)


def test_padding_changes_nothing(inputs: comparison.Inputs):
    _, glances = comparison.first_batches(inputs)
    params = inputs.params["decoder"]
    wider = glances._replace(
        ids=np.pad(glances.ids, ((0, 0), (0, 3))),
        about=np.pad(glances.about, ((0, 0), (0, 3)), constant_values=NOTHING),
    )
    expected, grads = in_numpy.decoder_loss_and_grads(params, glances, TINY)
    with jax.enable_x64(True):
        run = jax.jit(partial(in_jax.decoder_loss_and_grads, config=TINY))
        for value, others in (
            in_numpy.decoder_loss_and_grads(params, wider, TINY),
            run(params, wider),
        ):
            assert float(value) == pytest.approx(float(expected), rel=1e-12)
            jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-12), grads, others)


def test_features_have_the_mean_square_one(inputs: comparison.Inputs):
    images = problem.to_images(inputs.pictures, np.float64)
    seen, _ = encoder_in_numpy.encode(inputs.params["encoder"], images, TINY)
    squares = np.mean(seen.features**2, axis=-1)
    assert squares.max() <= 1
    assert squares.max() > 0.9


# --- Search -----------------------------------------------------------------------------------


@pytest.mark.parametrize("twin", [in_numpy, in_jax])
def test_beam_search_is_as_if_all_words_were_read_again(
    inputs: comparison.Inputs, twin: ModuleType
):
    params = jax.tree.map(np.copy, inputs.params)
    params["decoder"]["vocabulary"]["bias"][END] += ENDING
    params["decoder"]["vocabulary"]["bias"][PADDING] -= 50  # training asks for it nowhere
    images = problem.to_images(inputs.pictures, np.float64)
    run = partial(twin.search, config=TINY, num_beams=3)
    with jax.enable_x64(True):
        found = (jax.jit(run) if twin is in_jax else run)(params, images)
    words, scores = np.asarray(found.words), np.asarray(found.beams.scores)
    lengths = (words != PADDING).sum(-1)
    assert (lengths.min(1) < lengths.max(1)).any()
    assert (np.diff(scores, axis=1) <= 0).all()
    seen, _ = in_numpy.encode(params["encoder"], images, TINY)
    for beam in range(3):
        given = np.pad(words[:, beam], ((0, 0), (1, 0)), constant_values=START)[:, :-1]
        _, logits = in_numpy.predict(params["decoder"], seen, given, TINY)
        logs = encoder_in_numpy.log_softmax(logits)
        chosen = np.take_along_axis(logs, words[:, beam, :, None], axis=-1)[..., 0]
        again = np.where(words[:, beam] != PADDING, chosen, 0).sum(-1)
        np.testing.assert_allclose(scores[:, beam], again, rtol=1e-9)


def test_one_beam_takes_the_most_probable_word_each_time(inputs: comparison.Inputs):
    params = jax.tree.map(np.copy, inputs.params)
    params["decoder"]["vocabulary"]["bias"][END] += ENDING
    words = in_numpy.caption(params, inputs.pictures, TINY)
    assert (words == PADDING).any()
    images = problem.to_images(inputs.pictures, np.float64)
    seen, _ = in_numpy.encode(params["encoder"], images, TINY)
    given = np.pad(words, ((0, 0), (1, 0)), constant_values=START)[:, :-1]
    _, logits = in_numpy.predict(params["decoder"], seen, given, TINY)
    real = words != PADDING
    np.testing.assert_array_equal(logits.argmax(-1)[real], words[real])


# --- Pictures and words -----------------------------------------------------------------------


def test_the_middle_of_an_object_lies_in_one_of_its_cells():
    scenes = draw_scenes(100, rng=np.random.default_rng(0))
    cells = problem.cells_of(scenes).reshape(100, 12, 12)
    for grid, objects, places in zip(cells, scenes.objects, scenes.places, strict=True):
        for index, (kind, (column, row, _)) in enumerate(zip(objects, places, strict=True)):
            assert kind[0] == NOTHING or grid[int(row / 4), int(column / 4)] == index
        assert grid.max() < (objects[:, 0] != NOTHING).sum()


def test_a_turn_by_the_unit_matrix_is_none_and_one_that_mixes_keeps_grey():
    pictures = draw_scenes(3, rng=np.random.default_rng(0)).pictures
    unit = np.broadcast_to(np.eye(3, dtype=np.float32), (3, 3, 3))
    expected = problem.to_images(pictures, np.float32)
    np.testing.assert_allclose(problem.turn_colors(pictures, unit), expected, atol=1e-6)
    grey = np.full_like(pictures, 115)
    turns = lessons.draw_turns((3,), rng=np.random.default_rng(0))
    np.testing.assert_allclose(problem.turn_colors(grey, turns), 0, atol=0.01)
    np.testing.assert_allclose(turns @ turns.swapaxes(1, 2), unit, atol=1e-6)


def test_every_caption_comes_back_from_its_ids_and_colours_are_heard_as_one():
    scenes = draw_scenes(20, rng=np.random.default_rng(0))
    captions = problem.encode(scenes)
    for row, objects, layout in zip(captions.ids, scenes.objects, scenes.layouts, strict=True):
        assert problem.to_sentences(row[:, 1:]) == list(captions_of(objects, int(layout)))
    heard, words = problem.heard_as(), problem.vocabulary().ids
    assert len({int(heard[words[color]]) for color in COLORS}) == 1
    assert len({int(heard[words[shape]]) for shape in SHAPES}) == len(SHAPES)
    about, ids = captions.about, captions.ids[..., 1:]
    is_shape = np.isin(ids, [words[shape] for shape in SHAPES])
    assert (about[is_shape] != NOTHING).all()
    assert (about != NOTHING).sum() == 3 * is_shape.sum()


def test_the_published_set_is_not_read_and_the_way_out_is_named():
    config = dataclasses.replace(TINY, source="real")
    with pytest.raises(DatasetError, match="run with TUTORIALS_DATA=offline"):
        problem.load(config)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_train": 0}, "num_train is 0; it must be more than zero"),
        ({"batch_size": 49}, "there are 48 scenes to learn from"),
        ({"turned_share": 1.5}, "turned_share is 1.5; it must lie between 0 and 1"),
        ({"channels": (4, 6, 6, 8)}, "the last two must be the same"),
        ({"source": "kitchen"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


# --- Learning, rivals and reading -------------------------------------------------------------


def test_the_twin_learns_a_batch_by_heart(inputs: comparison.Inputs):
    config = dataclasses.replace(TINY, decoder_steps=25, encoder_steps=25, learning_rate=5e-2)
    steps = np.zeros(25, int)
    for name in ("encoder", "decoder"):
        fit = getattr(in_numpy, f"fit_{name}")
        given, choices = (
            (inputs.views, inputs.viewings)
            if name == "encoder"
            else (inputs.lessons, inputs.choices)
        )
        again = type(choices)(*(each[steps] for each in choices))
        state = in_numpy.start(inputs.params[name], 25, config)
        _, losses = fit(state, given, again, config)
        assert losses[-1] < 0.8 * losses[0]


def test_a_round_object_is_cut_out_where_it_is():
    scenes = draw_scenes(60, rng=np.random.default_rng(1))
    found = 0
    for picture, places in zip(scenes.pictures, scenes.places, strict=True):
        column, row, radius = places[0]
        blobs = rivals.find_blobs(picture, 2.0)
        found += any(np.hypot(b.column - column, b.row - row) < 0.6 * radius for b in blobs)
    assert found > 40


def test_judging_sets_the_network_beside_all_rivals(trained: evaluation.Trained):
    splits = rivals.unseen(trained.data)
    assert set(splits) == {"development", "test", "pairs"}
    perfect = {
        name: [say(o, int(k), 0) for o, k in zip(s.objects, s.layouts, strict=True)]
        for name, s in splits.items()
    }
    empty = {name: [() for _ in s.layouts] for name, s in splits.items()}
    captions = dict.fromkeys((MODEL, BEAMS, NEAREST, CLASSIFIERS), empty) | {BLOBS: perfect}
    judgement = evaluation.judge(TINY, seed=0, trained=trained._replace(captions=captions))
    assert judgement.strongest == (BLOBS, 1.0)
    assert judgement.value == 0
    assert not judgement.met
    assert judgement.details[BLOBS]["BLEU, pairs"] == pytest.approx(100)
    told = reading.say_unseen(judgement.details, captions, trained.data)
    assert "blobs by hand* is ahead: 0.0%" in told
    assert "goes from -100.0 to -100.0 points" in told
    assert reading.say_whether_met(judgement).startswith("Not met: of scenes with seen pairs, 0.0%")
    told = reading.say_bleu({"a": {"exact, test": 0.02, "BLEU, test": 40.4}} | judgement.details)
    assert "0 of 100 points to captions of which 0.0% are true" in told
    assert "changes 0 of 8 captions" in reading.say_beams(captions, trained.data)
    counts = reading.exact_by_count(captions, trained.data)
    assert np.nanmin(counts[BLOBS]["unseen pairs"]) == 1
    assert "blobs by hand on seen pairs" in figures.describe_by_count(counts)
    drawn = figures.by_count({name: counts[name] for name in figures.SHOWN})
    drawn.canvas.draw()
    (legend,) = drawn.legends
    assert legend.get_window_extent().y0 >= max(ax.get_window_extent().y1 for ax in drawn.axes)


def test_a_lead_that_chance_explains_is_level():
    scenes = draw_scenes(40, rng=np.random.default_rng(3))
    data = problem.load(TINY)._replace(pairs=scenes)
    right = [say(o, int(k), 0) for o, k in zip(scenes.objects, scenes.layouts, strict=True)]
    ours, theirs = [(), *right[1:]], [(), (), (), *right[3:]]

    def told(ours: list, theirs: list) -> str:
        captions = {MODEL: {"pairs": ours}, BLOBS: {"pairs": theirs}}
        shares = {
            name: {"exact, test": 1.0, "exact, pairs": float(np.mean([w != () for w in words]))}
            for name, words in ((MODEL, ours), (BLOBS, theirs))
        }
        worse = {"exact, test": 0.0, "exact, pairs": -1.0}
        details = {NEAREST: worse, CLASSIFIERS: worse} | shares
        return reading.say_unseen(details, captions, data)

    assert "the network and *blobs by hand* are level: 97.5%" in told(ours, theirs)
    assert "the network is ahead: 97.5%" in told(ours, [()] * 20 + right[20:])


def test_the_rivals_write_sentences_of_the_grammar(trained: evaluation.Trained):
    written = rivals.write_all(trained.data, seed=0)
    assert written[NEAREST].setting is None
    assert written[CLASSIFIERS].setting in rivals.PENALTIES
    assert written[BLOBS].setting in rivals.THRESHOLDS
    for each in written.values():
        assert all(reading.parse(words) for words in each.captions["test"])


def test_a_caption_is_read_word_by_word(trained: evaluation.Trained):
    scenes = trained.data.test
    words = say(scenes.objects[0], int(scenes.layouts[0]), 0)
    looked = reading.look(trained, scenes, 0, words)
    assert looked.true
    assert looked.words == (*words, "</s>")
    np.testing.assert_allclose(looked.weights.sum(1), 1, rtol=1e-5)
    assert reading.steps_table(looked).header[-1] == "what is there"
    assert [row[1] for row in reading.steps_table(looked).rows] == [f"`{w}`" for w in looked.words]
    assert "`<s> " in reading.ids_table(words).rows[0][1]
    assert words[-1] in figures.describe_attention({"seen": looked})
    assert "(true)" in figures.describe_captioned([looked])
    mass, chance = reading.attention_mass(trained, scenes)
    assert 0 < chance < 0.2
    assert 0 < mass < 1


def test_losses_are_drawn_as_means_over_the_same_shares_of_the_steps():
    losses = {"encoder": np.arange(8.0), "decoder": np.arange(5.0)}
    means, at = reading.smooth_losses(losses, points=4)
    np.testing.assert_array_equal(means["encoder"], [0.5, 2.5, 4.5, 6.5])
    np.testing.assert_array_equal(means["decoder"], [0, 1, 2, 3])
    assert at == [0.25, 0.5, 0.75, 1]


def test_what_is_wrong_is_counted():
    scenes = take(draw_scenes(40, rng=np.random.default_rng(3)), slice(0, 40))
    right = [say(o, int(k), 1) for o, k in zip(scenes.objects, scenes.layouts, strict=True)]
    assert not reading.faults(right, scenes)
    other = {"small": "big", "big": "small"}
    wrong = [tuple(other.get(word, word) for word in words) for words in right]
    assert reading.faults(wrong, scenes) == {"a size": 40}
    assert "Of 40 captions 40 are false: wrong is a size in 40" in reading.say_faults(wrong, scenes)
    assert reading.faults([()] * 40, scenes) == {"no sentence of the grammar": 40}
    assert reading.pick(wrong, scenes, true=True) == 0
    place = reading.pick(right, scenes, true=True, objects=3)
    assert (scenes.objects[place][:, 0] != NOTHING).all()
