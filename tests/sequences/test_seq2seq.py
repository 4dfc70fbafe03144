"""Translate with an encoder-decoder: the twins agree, padding is blind, search is right."""

import dataclasses
from functools import partial
from itertools import pairwise
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib.benchmark.agreement import make_inputs
from tutorials_lib.datasets.translation import Pair
from tutorials_lib.metrics.translation import LengthScore
from tutorials_lib.sequences.seq2seq import (
    comparison,
    decoder_in_numpy,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    problem,
    reading,
)
from tutorials_lib.sequences.seq2seq.evaluation import BEAMS, DICTIONARY, MODEL, PLAIN, TABLE
from tutorials_lib.sequences.seq2seq.problem import PAGE, TINY
from tutorials_lib.text.parallel import END, START, Sentences
from tutorials_lib.text.vocabulary import PADDING

ENDING = 0.5
"""With this more for the end of a sentence, beams of random parameters end at several lengths."""

CONFIGS = {name: dataclasses.replace(TINY, attention=name == MODEL) for name in (MODEL, PLAIN)}


@pytest.fixture(scope="module")
def inputs() -> comparison.Inputs:
    return make_inputs(comparison.COMPARISON, TINY, np.float64)


@pytest.fixture(scope="module")
def trained() -> evaluation.Trained:
    return evaluation.train(TINY, seed=0)


def params_of(inputs: comparison.Inputs, name: str) -> in_numpy.Params:
    return inputs.params if name == MODEL else inputs.plain_params


# --- The twins --------------------------------------------------------------------------------


def test_the_decoder_with_attention_has_the_gradient_of_jax():
    """Of two sentences, of which the second has fewer words in both languages."""
    rng = np.random.default_rng(0)
    steps, words, batch, hidden, counts = 3, 4, 2, 3, [2, 2, 1]
    shapes = (hidden, 3 * hidden), (hidden, 3 * hidden), (hidden, hidden), (hidden, 1)
    kernels = decoder_in_numpy.Kernels(*(rng.standard_normal(shape) for shape in shapes))
    drive = rng.standard_normal((steps, batch, 3 * hidden))
    initial = rng.standard_normal((batch, hidden))
    memory, keys = rng.standard_normal((2, batch, words, hidden))
    mask = np.arange(words) < np.array([[4], [3]])
    written_here = np.arange(steps)[:, None] < np.array([3, 2])

    def decode(drive, initial, memory, keys, kernels):
        def step(state, pushed):
            scores = (jnp.tanh(keys + (state @ kernels.query)[:, None]) @ kernels.score)[..., 0]
            weights = jax.nn.softmax(jnp.where(mask, scores, -jnp.inf))
            context = (weights[..., None] * memory).sum(1)
            gates, new = jnp.split(pushed + context @ kernels.context, (2 * hidden,), axis=-1)
            more_gates, more_new = jnp.split(state @ kernels.recurrent, (2 * hidden,), axis=-1)
            reset, keep = jnp.split(jax.nn.sigmoid(gates + more_gates), 2, axis=-1)
            state = keep * state + (1 - keep) * jnp.tanh(new + reset * more_new)
            return state, (state, context)

        return [each[written_here] for each in jax.lax.scan(step, initial, drive)[1]]

    packed = drive[written_here], initial, memory, keys[mask]
    written, vjp = decoder_in_numpy.attentive_gru(*packed, mask, kernels, counts)
    dstates, dcontexts = rng.standard_normal((2, sum(counts), hidden))
    found = vjp(dstates, dcontexts)
    with jax.enable_x64(True):
        expected, jax_vjp = jax.vjp(decode, drive, initial, memory, keys, kernels)
        ddrive, dinitial, dmemory, dkeys, dkernels = jax_vjp(
            [*map(jnp.asarray, (dstates, dcontexts))]
        )
    gradients = ddrive[written_here], dinitial, dmemory, dkeys[mask], *dkernels
    for ours, theirs in zip(
        (*written[:2], *found[:4], *found.kernels), (*expected, *gradients), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def test_the_loss_promotes_nothing_silently():
    inputs = make_inputs(comparison.COMPARISON, TINY, np.float32)
    params, batch = jax.tree.map(jnp.asarray, (inputs.params, inputs.batch))
    run = partial(in_jax.loss_and_grads, config=TINY)
    with jax.numpy_dtype_promotion("strict"):
        grads = jax.eval_shape(lambda *each: run(*each)[1], params, batch)
    assert {leaf.dtype for leaf in jax.tree.leaves(grads)} == {np.dtype(np.float32)}


# --- Padding ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("twin", "name"), [(in_numpy, MODEL), (in_numpy, PLAIN), (in_jax, MODEL)])
def test_what_stands_in_the_padding_changes_nothing(
    inputs: comparison.Inputs, twin: ModuleType, name: str
):
    """Neither the embedding of padding nor the number of padded places, in both languages."""
    params, run = params_of(inputs, name), partial(twin.loss_and_grads, config=CONFIGS[name])
    expected, grads = in_numpy.loss_and_grads(params, inputs.batch, CONFIGS[name])
    other = jax.tree.map(np.copy, params)
    for table in (other["source"], other["target"]):
        table["embedding"][PADDING] = 1e3
    wider = Sentences(*(np.pad(ids, ((0, 0), (0, 5))) for ids in inputs.batch))
    with jax.enable_x64(True):
        value, others = (jax.jit(run) if twin is in_jax else run)(other, wider)
    assert float(value) == pytest.approx(float(expected), rel=1e-12)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-12), grads, others)
    assert not grads["source"]["embedding"][PADDING].any()
    assert not grads["target"]["embedding"][PADDING].any()


def test_each_direction_ends_at_a_real_word(inputs: comparison.Inputs):
    source = inputs.batch.source
    memory, _ = in_numpy.encode(inputs.params, source)
    for row, ids in enumerate(source):
        alone, _ = in_numpy.encode(inputs.params, ids[None, ids != PADDING])
        np.testing.assert_allclose(memory.start[row], alone.start[0], rtol=1e-12)
        np.testing.assert_allclose(memory.last[row], alone.last[0], rtol=1e-12)


@pytest.mark.parametrize("twin", [in_numpy, in_jax])
def test_padding_gets_no_attention(inputs: comparison.Inputs, twin: ModuleType):
    source, target = inputs.batch
    run = partial(twin.alignments, config=TINY)
    run = jax.jit(run) if twin is in_jax else run
    weights = np.asarray(run(inputs.params, source, target))
    assert (source == PADDING).any()
    assert not weights[:, source == PADDING].any()
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)


# --- Search -----------------------------------------------------------------------------------


def log_probabilities(params: in_numpy.Params, source: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Of whole sentences, read again from the beginning."""
    target = np.pad(words, ((0, 0), (1, 0)), constant_values=START)
    logits = in_numpy.predict(params, source, target[:, :-1], TINY).swapaxes(0, 1)
    logits = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    chosen = np.take_along_axis(logits, words[..., None], axis=-1)[..., 0]
    return np.where(words != PADDING, chosen, 0).sum(-1)


@pytest.mark.parametrize("twin", [in_numpy, in_jax])
def test_beam_search_is_as_if_all_words_were_read_again(
    inputs: comparison.Inputs, twin: ModuleType
):
    """Also where beams of a sentence have ended, and others go on."""
    params, source = jax.tree.map(np.copy, inputs.params), inputs.batch.source
    params["vocabulary"]["bias"][END] += ENDING
    run = partial(twin.search, config=TINY, num_beams=3)
    with jax.enable_x64(True):
        found = (jax.jit(run) if twin is in_jax else run)(params, source)
    found = jax.tree.map(np.asarray, found._replace(history=()))
    lengths = (found.words != PADDING).sum(-1)
    ended = (found.words == END).any(-1)
    assert ((lengths.min(1) < lengths.max(1)) & ended.any(1)).any()
    for beam in range(3):
        again = log_probabilities(params, source, found.words[:, beam])
        np.testing.assert_allclose(found.beams.scores[:, beam], again, rtol=1e-9)
    assert (np.diff(found.beams.scores, axis=1) <= 0).all()


def test_one_beam_takes_the_most_probable_word_each_time(inputs: comparison.Inputs):
    source = inputs.batch.source
    words = in_numpy.translate(inputs.params, source, TINY)
    target = np.pad(words, ((0, 0), (1, 0)), constant_values=START)
    logits = in_numpy.predict(inputs.params, source, target[:, :-1], TINY)
    real = words != PADDING
    np.testing.assert_array_equal(logits.argmax(-1).T[real], words[real])


def test_as_many_beams_as_beginnings_find_the_best_sentence(inputs: comparison.Inputs):
    """Of all sentences of two words, with a vocabulary small enough to try them all."""
    vocab = 6
    params = jax.tree.map(np.copy, inputs.params)
    params["vocabulary"]["kernel"] = params["vocabulary"]["kernel"][:, :vocab]
    params["vocabulary"]["bias"] = params["vocabulary"]["bias"][:vocab]
    config, source = dataclasses.replace(TINY, longest_target=2), inputs.batch.source[:1]
    found = in_numpy.search(params, source, config, num_beams=vocab)
    others = [w for w in range(vocab) if w not in (END, PADDING)]
    every = [(END, PADDING), *((a, b) for a in others for b in range(1, vocab))]
    words = np.array(every, np.int32)
    scores = log_probabilities(params, np.repeat(source, len(words), axis=0), words)
    assert found.beams.scores[0, 0] == pytest.approx(scores.max())
    np.testing.assert_array_equal(found.words[0, 0], words[scores.argmax()])


# --- Data and training ------------------------------------------------------------------------


def test_the_tables_hold_every_word_of_the_page():
    words = problem.load(dataclasses.replace(PAGE, num_train=2_000, num_test=1)).words
    assert len(words.source) < PAGE.source_words
    assert len(words.target) < PAGE.target_words


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden_size": 5}, "must be even"),
        ({"batch_size": 65}, "there are 64 sentences"),
        ({"num_steps": 0}, "num_steps is 0; it must be more than zero"),
        ({"num_beams": -1}, "num_beams is -1"),
        ({"source": "kitchen"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


def test_the_twin_learns_a_batch_by_heart(inputs: comparison.Inputs):
    config = dataclasses.replace(TINY, num_steps=25, learning_rate=1e-1)
    batches = np.zeros((config.num_steps, TINY.batch_size), np.int32) + np.arange(TINY.batch_size)
    state = in_numpy.start(inputs.params, config)
    _, losses = in_numpy.fit(state, inputs.sentences, batches, config)
    assert losses[-1] < 0.5 * losses[0]


# --- Judging and reading ----------------------------------------------------------------------


def test_judging_sets_the_network_beside_all_rivals(trained: evaluation.Trained):
    splits = trained.data.unseen
    assert set(splits) == {"development", "test", "pairs", "long"}
    perfect = {name: [pair.french for pair in pairs] for name, pairs in splits.items()}
    empty = {name: [() for _ in pairs] for name, pairs in splits.items()}
    translations = dict.fromkeys((MODEL, TABLE, DICTIONARY), empty)
    made = trained._replace(translations=translations | {PLAIN: perfect})
    judgement = evaluation.judge(TINY, seed=0, trained=made)
    assert judgement.strongest == (PLAIN, 100.0)
    assert judgement.value == 0
    assert not judgement.met
    assert judgement.details[PLAIN]["exact, long"] == 1.0
    assert set(judgement.baselines) == {PLAIN, TABLE, DICTIONARY}


def test_the_tree_and_the_alignment_are_those_of_one_sentence(trained: evaluation.Trained):
    pair = trained.data.test[0]
    nodes = reading.beam_tree(trained, pair)
    best = [node for node in nodes if node.is_best]
    assert [node.depth for node in best] == list(range(len(best)))
    assert all(later.score <= node.score for node, later in pairwise(best))
    assert "tree" in figures.describe_beam_tree(nodes)
    aligned = reading.align(trained, pair)
    assert aligned.weights.shape == (len(pair.french) + 1, len(pair.english))
    assert 0 < aligned.probabilities.min() < 1
    rows = reading.steps_table(aligned).rows
    assert [row[1] for row in rows] == [f"`{word}`" for word in aligned.french]
    assert "`<s> " in reading.ids_table(pair, trained.data.words).rows[1][1]
    assert all(word in figures.describe_alignment(aligned) for word in pair.french)


def test_an_adjective_that_changes_places_is_found():
    plain = Pair(("i", "see", "a", "dog", "."), ("je", "vois", "un", "chien", "."))
    assert reading.plain(plain.english) == "i see a dog."
    assert reading.plain(("je", "vois", "<unk>")) == "je vois &lt;unk&gt;"  # no tag of HTML
    swap = Pair(
        ("i", "see", "the", "red", "car", "today", "."),
        ("je", "vois", "la", "voiture", "rouge", "."),
    )
    assert reading.pick_swap((plain, swap)) == 1
    assert reading.pick_swap((plain, plain)) == 0


def test_sentences_say_what_was_measured():
    scores = {
        name: tuple(
            LengthScore(low, high, 9, value) for low, high in ((1, 7), (8, 10), (11, 14), (15, 18))
        )
        for name, value in ((MODEL, 0.75), (PLAIN, 0.25))
    }
    told = reading.say_what_attention_gains(scores)
    assert "of 15 to 18 words 75% are exact with attention and 25% without" in told
    weights = np.eye(3)[[0, 2, 1, 2]]
    aligned = reading.Aligned(
        ("a", "red", "car"), ("une", "voiture", "rouge", "</s>"), weights, weights[:, 0]
    )
    assert "back at *red*" in reading.say_swap(aligned)
    assert "never goes back" in reading.say_swap(aligned._replace(weights=np.eye(3)[[0, 1, 2, 2]]))


def test_who_is_right_and_what_beams_change_is_counted(trained: evaluation.Trained):
    pairs = tuple(Pair(("a", f"{i}"), ("un", "deux", "trois", f"{i}")) for i in range(4))
    data = trained.data._replace(test=pairs, further={})
    right, wrong = [pair.french for pair in pairs], [("rien",)] * 4
    translations = {
        MODEL: {"test": [*right[:3], *wrong[3:]]},
        BEAMS: {"test": [*wrong[:1], *right[1:]]},
        TABLE: {"test": [*wrong[:2], *right[2:]]},
    }
    told = reading.say_who_is_right(translations, data)
    assert "Of 4 test sentences the network with attention alone gets 2 right" in told
    assert "phrase table alone 1. The first of the latter: for *a 3* the network writes" in told
    told = reading.say_where_it_leads(translations, data)
    assert told.startswith("The network with attention has more BLEU on *test* (")
    translations[MODEL] = {"test": wrong}
    assert reading.say_where_it_leads(translations, data).startswith("The phrase table has more")
    translations[MODEL] = {"test": [*right[:3], *wrong[3:]]}
    told = reading.say_what_beams_change(translations, data)
    assert "changes 2: 1 become right, 1 wrong" in told


def test_the_losses_are_drawn_as_means_that_end_where_they_say(trained: evaluation.Trained):
    long = trained._replace(losses=np.arange(61.0))
    means, at = reading.smooth_losses(long, long)
    assert at[:2] == [2, 4]
    assert at[-1] == 60
    np.testing.assert_array_equal(means[PLAIN][:2], [0.5, 2.5])
