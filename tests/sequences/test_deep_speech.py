"""Speech recognition: the twins agree, padding is silent, and rivals find the cheapest words."""

import dataclasses
import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib.benchmark.agreement import make_inputs
from tutorials_lib.datasets.formant_speech import RATE
from tutorials_lib.sequences.deep_speech import (
    comparison,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    problem,
    reading,
    rivals,
)
from tutorials_lib.sequences.deep_speech.evaluation import GREEDY, MODEL
from tutorials_lib.sequences.deep_speech.problem import TINY, Batch, Draws
from tutorials_lib.sequences.deep_speech.rivals import DTW, HMM


@pytest.fixture(scope="module")
def inputs() -> comparison.Inputs:
    return make_inputs(comparison.COMPARISON, TINY, np.float64)


@pytest.fixture(scope="module")
def judged() -> evaluation.Judged:
    trained = evaluation.train(TINY, seed=0)
    return evaluation.with_rivals(trained, seed=0)


# --- The twins --------------------------------------------------------------------------------


@pytest.mark.parametrize("own", [False, True])
def test_the_gradient_by_hand_is_that_of_either_ctc(inputs: comparison.Inputs, own: bool):
    expected, grads = in_numpy.loss_and_grads(inputs.params, inputs.batch, TINY)
    run = jax.value_and_grad(partial(in_jax.loss, config=TINY, own=own))
    with jax.enable_x64(True):
        value, others = jax.jit(run)(*jax.tree.map(jnp.asarray, (inputs.params, inputs.batch)))
    assert float(value) == pytest.approx(float(expected), rel=1e-12)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-11), grads, others)


def test_the_loss_promotes_nothing_silently():
    inputs = make_inputs(comparison.COMPARISON, TINY, np.float32)
    params, batch = jax.tree.map(jnp.asarray, (inputs.params, inputs.batch))
    run = partial(in_jax.loss_and_grads, config=TINY)
    with jax.numpy_dtype_promotion("strict"):
        grads = jax.eval_shape(lambda *each: run(*each)[1], params, batch)
    assert {leaf.dtype for leaf in jax.tree.leaves(grads)} == {np.dtype(np.float32)}


def test_more_padding_changes_nothing(inputs: comparison.Inputs):
    features, lengths, labels = inputs.batch
    wider = Batch(np.pad(features, ((0, 0), (0, 8), (0, 0))), lengths, np.pad(labels, (0, 3))[:-3])
    expected, grads = in_numpy.loss_and_grads(inputs.params, inputs.batch, TINY)
    value, others = in_numpy.loss_and_grads(inputs.params, wider, TINY)
    assert float(value) == pytest.approx(float(expected), rel=1e-12)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-12), grads, others)


def test_frames_are_looks_side_by_side(inputs: comparison.Inputs):
    features = inputs.batch.features
    frames = np.asarray(in_jax.stack(jnp.asarray(features, jnp.float32)))
    looks = features[1, 4:9].astype(np.float32)  # around the look 6, of the frame 3
    np.testing.assert_array_equal(frames[3, 1], looks.ravel())


def test_the_twin_learns_a_batch_by_heart(inputs: comparison.Inputs):
    config = dataclasses.replace(TINY, num_steps=40, learning_rate=5e-2)
    state = in_numpy.start(inputs.params, config)
    losses = []
    for _ in range(config.num_steps):
        state, value = in_numpy.train_step(state, inputs.batch, config)
        losses.append(value)
    assert losses[-1] < 0.6 * losses[0]


# --- Data -------------------------------------------------------------------------------------


def test_the_splits_are_spoken_by_others_and_padded_in_training():
    data = problem.load(TINY, seed=1)
    assert set(data.unseen) == {"new", "child", "long"}
    sounds = [split.utterances[0].sound[:100] for split in (data.train, *data.unseen.values())]
    for i, one in enumerate(sounds):
        assert not any(np.array_equal(one, other) for other in sounds[i + 1 :])
    assert data.train.features.shape[1] == problem.STRIDE * problem.LONGEST["offline"]
    assert (data.train.lengths <= problem.LONGEST["offline"]).all()
    assert min(len(each.digits) for each in data.unseen["long"].utterances) == 7
    text = data.train.texts[0]
    labels = data.train.labels[0]
    assert problem.decode(labels[labels > 0].tolist()) == text


def test_a_distortion_moves_bands_up_and_hides_some():
    features = np.arange(2 * 3 * 8, dtype=np.float32).reshape(2, 3, 8) + 1
    split = Batch(features, np.array([1, 1]), np.array([[1], [2]]))
    each = (np.array(values) for values in ([1, 0], [2, 0], [5, 0], [2, 0]))
    distorted = problem.take(split, Draws(*each))
    np.testing.assert_array_equal(distorted.features[1], features[0])
    np.testing.assert_array_equal(distorted.features[0][:, 2:5], features[1][:, :3])
    assert not distorted.features[0][:, 5:7].any()
    np.testing.assert_array_equal(distorted.labels, [[2], [1]])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 13}, "there are 12 utterances"),
        ({"num_steps": 0}, "num_steps is 0; it must be more than zero"),
        ({"source": "kitchen"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


@pytest.mark.usefixtures("published_data")
def test_recorded_digits_leave_out_a_speaker_for_each_seed():
    data = problem.load(dataclasses.replace(TINY, source="real"), seed=0)
    assert set(data.unseen) == {"new", "long"}
    assert data.train.features.shape[1] == problem.STRIDE * problem.LONGEST["real"]


# --- Rivals -----------------------------------------------------------------------------------


def by_trying_all(costs: np.ndarray, chains: rivals.Chains, penalty: float) -> list[int]:
    """The words of the cheapest path, where a state is kept, or the next one follows."""
    best: dict[int, tuple[float, list[int]]] = {}
    for first, label in zip(chains.first, chains.labels, strict=True):
        best[int(first)] = (float(costs[0, first]), [int(label)])
    for cost in costs[1:]:
        ways: dict[int, list[tuple[float, list[int]]]] = {}
        for state, (total, words) in best.items():
            ways.setdefault(state, []).append((total, words))
            if state not in chains.last:
                ways.setdefault(state + 1, []).append((total, words))
            else:
                for first, label in zip(chains.first, chains.labels, strict=True):
                    more = (total + penalty, [*words, int(label)])
                    ways.setdefault(int(first), []).append(more)
        best = {
            state: (min(each)[0] + float(cost[state]), min(each)[1]) for state, each in ways.items()
        }
    ends = [best[int(last)] for last in chains.last if int(last) in best]
    return [word for word in min(ends)[1] if word != rivals.SILENCE]


@pytest.mark.parametrize("penalty", [0.0, 1.5])
def test_one_pass_finds_the_cheapest_row_of_words(penalty: float):
    """Of three utterances at once, of different lengths; the cepstra are the costs."""
    rng = np.random.default_rng(0)
    chains = rivals.chain_up([2, 3, 1], [4, 7, rivals.SILENCE])
    recogniser = rivals.Recogniser(chains, lambda looks: looks, penalty=penalty)
    costs = [3 * rng.random((length, 6)) for length in (9, 14, 5)]
    found = rivals.one_pass(recogniser, costs)
    assert found == [by_trying_all(each, chains, penalty) for each in costs]


def test_pieces_are_what_was_said_between_the_borders():
    data = problem.load(TINY)
    pieces = rivals.segments(data.train)
    said = [digit for each in data.train.utterances for digit in each.digits]
    assert {label: len(found) for label, found in pieces.items() if label >= 0} == {
        digit: said.count(digit) for digit in range(10)
    }


def test_states_follow_each_other_and_none_is_left_out():
    costs = np.array([[0, 9, 9], [0, 9, 9], [9, 0, 9], [9, 9, 0], [9, 9, 0.0]])
    np.testing.assert_array_equal(rivals._align(costs), [0, 0, 1, 2, 2])


# --- Judging and reading ----------------------------------------------------------------------


def test_judging_sets_the_network_beside_both_rivals(judged: evaluation.Judged):
    unseen = judged.trained.data.unseen
    perfect = {name: split.texts for name, split in unseen.items()}
    silent = {name: [""] * len(split.texts) for name, split in unseen.items()}
    texts = {MODEL: perfect, GREEDY: silent, DTW: silent, HMM: silent}
    dumb = {name: rivals.Rival(0.5, silent) for name in (DTW, HMM)}
    judgement = evaluation.judge(TINY, seed=0, trained=judged._replace(texts=texts, rivals=dumb))
    assert judgement.value == 0
    assert judgement.strongest[1] == 1
    assert judgement.met
    assert judgement.details[GREEDY]["WER, long"] == 1
    assert "beats the line" in reading.say_whether_met(judgement)
    assert "on *new* (0.000 against 1.000), *child*" in reading.say_where_it_leads(judgement)
    assert "four methods" in figures.describe_rates(judgement)


def test_both_ways_to_listen_give_texts(judged: evaluation.Judged):
    assert set(judged.texts) == {MODEL, GREEDY, DTW, HMM}
    for texts in judged.texts.values():
        assert {name: len(each) for name, each in texts.items()} == {
            name: len(split.texts) for name, split in judged.trained.data.unseen.items()
        }
    words = {word for text in judged.texts[MODEL]["new"] for word in text.split()}
    assert words <= set(problem.WORDS)


def test_one_utterance_is_followed_by_its_letters(judged: evaluation.Judged):
    split = judged.trained.data.unseen["new"]
    followed = reading.follow(judged.trained, split, 0)
    assert followed.log_probs.shape == (split.lengths[0], problem.NUM_CLASSES)
    np.testing.assert_allclose(followed.shares.sum(1), 1, atol=1e-3)
    assert followed.looks.shape[0] == problem.STRIDE * split.lengths[0]
    assert "(space)" in figures.describe_alignment(followed)
    count = reading.count_paths(followed.text, len(followed.log_probs))
    power = len(str(count)) - 1
    assert f"at least 10 to the power of {power} of them say the" in reading.say_how_many_paths(
        followed
    )
    sure = followed._replace(letters="nine fiv", words="nine five", text="nine five")
    assert reading.say_what_is_heard(sure).endswith("*nine five*, which is right.")
    ours = evaluation.hear(judged.trained, {"new": split})["new"][0]
    np.testing.assert_allclose(ours, followed.log_probs, atol=1e-4)


@pytest.mark.parametrize("text", ["a", "ab", "aa", "aba", "aab", ""])
def test_the_paths_of_a_text_are_counted(text: str):
    labels = [ord(letter) - ord("a") + 1 for letter in text]
    for frames in range(1, 7):
        said = 0
        for path in itertools.product(range(3), repeat=frames):
            merged = [label for label, _ in itertools.groupby(path) if label]
            said += merged == labels
        assert reading.count_paths(text, frames) == said


def test_an_utterance_is_picked_by_its_digits_and_noise():
    split = problem.load(TINY).unseen["new"]
    made = [
        each._replace(digits=digits, snr=snr)
        for each, digits, snr in zip(
            split.utterances, ((1, 2), (1, 2, 3), (1, 2, 3), (4,)), (15.0, 5.0, 15.0, 20.0),
            strict=True,
        )
    ]  # fmt: skip
    picked = reading.pick(split._replace(utterances=tuple(made)))
    assert picked == 2
    assert reading.pick(split._replace(utterances=tuple(made[:2]))) == 0


def test_tables_and_sentences_say_what_was_counted(judged: evaluation.Judged):
    table = reading.edits_table(["one to", "four", "two"], ["one two", "four five", "two"])
    assert [row[-1] for row in table.rows] == ["1 of 2", "1 of 2"]
    scores = reading.by_snr(judged)
    assert sum(each.utterances for each in scores[MODEL]) == TINY.num_test
    assert "dB the network" in reading.say_what_noise_does(scores)
    loud, quiet = reading.SnrScore(0, 5, 9, 0.1), reading.SnrScore(5, 10, 9, 0.0)
    louder = {MODEL: (loud, quiet), HMM: (loud._replace(rate=0.2), quiet)}
    assert reading.say_what_noise_does(louder).endswith("lead is all in the loudest noise")
    assert "Lines of the word error rate" in figures.describe_by_snr(scores)
    assert "are no words at all" in reading.say_what_letters_lack(judged)
    split = judged.trained.data.unseen["new"]
    followed = reading.follow(judged.trained, split, 0)
    assert reading.frames_table(followed, count=4).rows
    assert reading.FRAME_MS == 20 == 1000 * problem.HOP * problem.STRIDE // RATE
