"""What the page reads off the networks: one digit with its numbers, tables, and sentences."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import softmax

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.judge import Judgement
from tutorials_lib.vision.transfer_learning import evaluation, in_jax, problem
from tutorials_lib.vision.transfer_learning.evaluation import JUDGED, Trained
from tutorials_lib.vision.transfer_learning.problem import Config
from tutorials_lib.vision.transfer_learning.rivals import Accuracies

# ---------------------------------------------------------------- one digit


class OneDigit(NamedTuple):
    """A picture, what it shows, and its probabilities before and after fine-tuning."""

    place: int
    label: int
    logits: Float[np.ndarray, " classes"]
    before: Float[np.ndarray, " classes"]
    after: Float[np.ndarray, " classes"]


def telling_digit(
    before: in_jax.Params, after: in_jax.Params, data: problem.Labelled, config: Config
) -> OneDigit:
    """The digit whose right name gains most probability, of those that were named wrongly."""
    logits = [np.asarray(in_jax.compiled_predict(p, data.images, config)) for p in (before, after)]
    probs = [softmax(each, axis=-1) for each in logits]
    examples = np.arange(len(data.labels))
    gain = probs[1][examples, data.labels] - probs[0][examples, data.labels]
    mistaken = probs[0].argmax(-1) != data.labels
    place = int(np.where(mistaken, gain, -1).argmax())
    return OneDigit(
        place, int(data.labels[place]), logits[0][place], probs[0][place], probs[1][place]
    )


def digit_table(digit: OneDigit) -> MarkdownRows:
    """The numbers of one digit, a column for each class."""
    rows = [
        ["logit before", *(f"{each:.1f}" for each in digit.logits)],
        ["probability before", *(f"{each:.2f}" for each in digit.before)],
        ["probability after", *(f"{each:.2f}" for each in digit.after)],
    ]
    return MarkdownRows(["", *map(str, range(len(digit.logits)))], rows)


def say_digit(digit: OneDigit, num_labels: int) -> str:
    """What became of it, in a sentence."""
    before, after = int(digit.before.argmax()), int(digit.after.argmax())
    return (
        f"The picture shows a {digit.label}. Before fine-tuning the network takes it for a "
        f"{before}, with a probability of {digit.before[before]:.2f}; after {num_labels} labels "
        f"it says {after}, with {digit.after[after]:.2f}."
    )


# ---------------------------------------------------------------- tables


def strategy_table(config: Config) -> MarkdownRows:
    """The learning rate of the first step by strategy and layer; a dash where it is frozen."""
    rows = [
        [name, *(f"{strategy.peak * share:.2g}" if share else "–" for share in strategy.shares)]
        for name, strategy in problem.strategies(config).items()
    ]
    return MarkdownRows(["", *config.layers], rows)


def accuracy_table(accuracies: Mapping[str, Accuracies], config: Config) -> MarkdownRows:
    """Mean and standard deviation of the test accuracy over the draws, by number of labels."""
    rows = [
        [
            name,
            *(
                f"{mean:.3f} ± {spread:.3f}"
                for mean, spread in zip(each.test.mean(1), each.test.std(1, ddof=1), strict=True)
            ),
        ]
        for name, each in accuracies.items()
    ]
    return MarkdownRows(["", *(f"{number} labels" for number in config.num_labels)], rows)


def at_the_top(trained: Trained, judgement: Judgement) -> dict[str, Accuracies]:
    """The judged strategy, the same network from random weights, and the strongest other rival.

    That is one of those that were tuned with the labels. The network without any label has no
    curve, so it is none of these even where it is the line to beat.
    """
    tuned = dict(trained.rivals or {})
    strongest = max(tuned, key=lambda name: judgement.baselines[name].held_out)
    ours = {name: trained.accuracies[name] for name in (JUDGED, problem.SCRATCH)}
    return ours | {strongest: tuned[strongest]}


def devices_table(compared: Mapping[str, Any]) -> MarkdownRows:
    """What `parallel.compare` found."""
    alone, shared = compared["loss"]
    rows = [
        ["devices", f"{compared['devices']}"],
        ["pictures on each", f"{compared['pictures on each']}"],
        ["loss of the last step, on one device", f"{alone:.6f}"],
        ["the same, on all", f"{shared:.6f}"],
        ["*moved*: the largest change of a parameter", f"{compared['moved']:.1e}"],
        ["*difference*: the largest between one device and all", f"{compared['difference']:.1e}"],
        ["all-reduces in the compiled step", f"{compared['all-reduces']}"],
    ]
    return MarkdownRows(["Data-parallel training", ""], rows)


def recall(
    predicted: Int[np.ndarray, " pictures"], labels: Int[np.ndarray, " pictures"]
) -> Float[np.ndarray, " classes"]:
    """Of the pictures of each class, the share that gets its name."""
    right = np.bincount(labels[predicted == labels], minlength=problem.NUM_CLASSES)
    return right / np.bincount(labels, minlength=problem.NUM_CLASSES).clip(1)


class Answers(NamedTuple):
    """What three networks say to the test digits, after the first draw of some number of labels."""

    labels: Int[np.ndarray, " pictures"]
    no_label: Int[np.ndarray, " pictures"]
    scratch: Int[np.ndarray, " pictures"]
    tuned: Int[np.ndarray, " pictures"]

    def only_tuned(self, count: int) -> Int[np.ndarray, " chosen"]:
        """Places of the first digits that only the fine-tuned network gets right.

        Where there is none, of those that the network without labels gets wrong.
        """
        learned = (self.no_label != self.labels) & (self.tuned == self.labels)
        places = np.flatnonzero(learned & (self.scratch != self.labels))
        return (places if len(places) else np.flatnonzero(learned))[:count]


def answer(trained: Trained, row: int, config: Config) -> Answers:
    """The answers with the number of labels in place `row`."""
    test = trained.data.test
    networks = trained.networks
    three = (
        trained.pretrained.params,
        networks[problem.SCRATCH][row][0],
        networks[JUDGED][row][0],
    )
    return Answers(test.labels, *(evaluation.classify(p, test.images, config) for p in three))


# ---------------------------------------------------------------- sentences


class Paired(NamedTuple):
    """The gain of one technique over another, draw by draw.

    Attributes:
        gain: its mean, by number of labels.
        spread: its standard deviation over the draws.
        apart: what the spread would be if the draws had nothing in common.
    """

    gain: Float[np.ndarray, " numbers"]
    spread: Float[np.ndarray, " numbers"]
    apart: Float[np.ndarray, " numbers"]


def paired(one: Accuracies, other: Accuracies) -> Paired:
    """How much better `one` is; both learned from the same draws."""
    gains = one.test - other.test
    variances = one.test.var(1, ddof=1) + other.test.var(1, ddof=1)
    return Paired(gains.mean(1), gains.std(1, ddof=1), np.sqrt(variances))


def paired_table(found: Paired, numbers: Sequence[int]) -> MarkdownRows:
    """The gains by number of labels, and both spreads."""
    rows = [
        [str(number), f"{gain:+.3f}", f"{spread:.3f}", f"{apart:.3f}"]
        for number, gain, spread, apart in zip(numbers, *found, strict=True)
    ]
    return MarkdownRows(["labels", "gain", "sd of the gain", "sd if unpaired"], rows)


def say_whether_met(judgement: Judgement, config: Config) -> str:
    """The verdict on the mean, and at which numbers of labels the strongest rival is beaten."""
    name, line = judgement.strongest
    verdict = "Met" if judgement.met else "Not met"
    return (
        f"{verdict}: fine-tuning all layers reaches {judgement.value:.3f} on average, the "
        f"strongest rival ({name}) {line:.3f}. {say_where(judgement, config)}"
    )


def say_where(judgement: Judgement, config: Config) -> str:
    """The numbers of labels at which every rival is beaten, and those at which one is not."""
    ours = judgement.details[JUDGED]
    lost = []
    for number, column in zip(config.num_labels, ours, strict=True):
        best = max(judgement.baselines, key=lambda name: judgement.details[name][column])
        if ours[column] <= judgement.details[best][column]:
            lost.append(f"with {number} labels {best} is as good or better")
    if not lost:
        return "It is ahead of every rival at every number of labels."
    where = "At no number" if len(lost) == len(config.num_labels) else "Not at every number"
    return f"{where} of labels is it ahead of every rival: {', and '.join(lost)}."


def say_paired(found: Paired) -> str:
    """Whether sharing the draws made the gains steadier."""
    steadier = int((found.spread < found.apart).sum())
    return (
        f"At {steadier} of {len(found.gain)} numbers of labels the gain varies less than it would "
        "if each technique had draws of its own; a spread of a few draws is itself a rough number."
    )


def say_shrinking(found: Paired, numbers: Sequence[int]) -> str:
    """What pretraining is worth with few and with many labels."""
    first, last = found.gain[0], found.gain[-1]
    if (np.diff(found.gain) < 0).all():
        so = "The fewer the labels, the more it is worth"
    elif first > last:
        so = "It is worth more with the fewest labels than with the most, though not at every step"
    else:
        so = "It does not shrink here"
    return (
        f"Pretraining on print changes the accuracy by {first:+.3f} with {numbers[0]} labels and "
        f"by {last:+.3f} with {numbers[-1]}. {so}."
    )


def say_probe(probe: Accuracies, judged: Accuracies, numbers: Sequence[int]) -> str:
    """Where frozen features are enough, and where not."""
    behind = judged.test.mean(1) - probe.test.mean(1)
    told = [
        f"{_beside(gap)} full fine-tuning with {number} labels"
        for gap, number in zip(behind[[0, -1]], (numbers[0], numbers[-1]), strict=True)
    ]
    return f"A linear probe is {told[0]}, and {told[1]}."


def _beside(gap: float) -> str:
    """How far something is behind, or ahead where `gap` is negative, as the page rounds it."""
    if f"{abs(gap):.3f}" == "0.000":
        return "level with"
    return f"{abs(gap):.3f} {'behind' if gap > 0 else 'ahead of'}"
