"""Short posts about twelve topics, from a small grammar: praise, complaint, or neither.

A verdict word alone does not settle the judgement. A fifth of the verdicts are negated, *X but Y*
and *even though X , Y* mean Y, hearsay can be denied, and *superb , another delay* is irony.
Verdict words also stand in questions, which judge nothing. There are a hundred of them, most of
them rare, so that a few hundred labelled posts show only some. Two posts in five end with an emoji:
half of these are drawn at random, the others follow the last verdict *word*, and not what the post
means, which negation and irony turn round.
"""

import re
from bisect import bisect
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Int32

Item = TypeVar("Item")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CLASS_NAMES = ("negative", "neutral", "positive")
"""The judgements; a label is an index into this tuple."""

POSITIVE = _words(
    """great good lovely amazing awesome brilliant superb fantastic fire lit goated dope solid
    crisp iconic stellar elite flawless gorgeous magical epic unreal banging perfect charming
    delightful neat sweet classy smooth legendary immaculate wholesome ace peak stunning fab
    wicked heavenly glorious splendid bussin sublime marvelous spotless dreamy tidy divine
    radiant ideal"""
)
"""Words of praise, the frequent ones first."""

NEGATIVE = _words(
    """bad awful terrible horrible trash garbage mid cringe lame broken ugly boring painful
    dreadful pathetic sloppy dull tragic rough gross weak messy shoddy clunky useless rubbish
    wack dire grim lousy abysmal cursed janky crummy hideous miserable bleak tacky stale
    soulless drab lazy annoying atrocious pitiful shabby dismal feeble vile busted"""
)
"""Words of blame, the frequent ones first."""

MOODS = (tuple("😡😭🤮💀😤👎😩"), tuple("🤔😐🤷👀📅"), tuple("😍🔥🎉😊💯🙏🙌"))
"""The emoji of each judgement, in the order of `CLASS_NAMES`."""

NEGATIONS = ("not", "never", "hardly", "far from")
"""What turns the verdict word behind it round."""


class Topic(NamedTuple):
    """What a post is about: its parts, what goes wrong with it, and its tags."""

    aspects: tuple[str, ...]
    troubles: tuple[str, ...]
    tags: tuple[str, ...]


def _topic(aspects: str, troubles: str, tags: str) -> Topic:
    return Topic(_words(aspects), tuple(troubles.split("|")), _words(tags))


TOPICS = {
    "phone": _topic(
        "battery screen camera charger update", "crash|glitch|recall|cracked screen", "#phone #tech"
    ),
    "train": _topic(
        "ride seat driver platform carriage",
        "delay|strike|cancellation|breakdown",
        "#commute #trains",
    ),
    "movie": _topic(
        "plot acting ending soundtrack cast", "remake|cliffhanger|sequel|spoiler", "#movie #cinema"
    ),
    "game": _topic("map story boss menu engine", "lag|loading screen|paywall|patch", "#gaming #gg"),
    "concert": _topic(
        "crowd band setlist sound encore",
        "cancelled tour|sound failure|queue|surge price",
        "#livemusic #tour",
    ),
    "pizza": _topic(
        "crust sauce cheese topping slice",
        "cold delivery|hair in my food|wrong order|late driver",
        "#food #pizza",
    ),
    "flight": _topic(
        "crew legroom meal boarding landing",
        "lost bag|layover|overbooking|turbulence",
        "#travel #fly",
    ),
    "match": _topic(
        "keeper defence striker referee stadium",
        "own goal|penalty against us|red card|injury",
        "#football #matchday",
    ),
    "weather": _topic(
        "sky breeze sunrise forecast evening", "flood|storm|heatwave|hail", "#weather #outside"
    ),
    "laptop": _topic(
        "keyboard fan trackpad hinge speaker",
        "blue screen|overheating|dead pixel|driver bug",
        "#laptop #tech",
    ),
    "series": _topic(
        "pilot finale dialogue villain pacing",
        "filler episode|cancelled season|recast|bad dub",
        "#series #binge",
    ),
    "exam": _topic(
        "question essay schedule teacher grading",
        "surprise test|deadline|resit|group project",
        "#uni #study",
    ),
}
"""By name."""

# {one} and {other} are aspects; {agree} is a verdict that amounts to the label, {oppose} to its
# opposite, and {same} and {contrary} are the bare words; {any} is a word of either kind.
_NEUTRAL = (
    "is the {one} really {any} ?",
    "anyone know if the {one} {be} {any} ?",
    "people say the {one} {be} {any} , no idea yet",
    "heading to the {topic} with @user",
    "the {one} {be} neither {good} nor {bad}",
    "new {topic} tomorrow , hoping for no {trouble}",
    "does a {trouble} matter for the {one} ?",
    "will the {one} be {good} or {bad} ?",
    "reading about the {one} and the {other} of this {topic}",
    "if the {one} {be} {any} i might try the {topic}",
)
_PLAIN = ("the {one} {be} {agree}",)
_TWICE = ("the {one} {be} {agree} and the {other} {be} {agree}",)
_AGAINST = (
    "the {one} {be} {oppose} but the {other} {be} {agree}",
    "even though the {one} {be} {oppose} , the {other} {be} {agree}",
    "the {other} {be} {agree} although the {one} {be} {oppose}",
)
_HEARSAY = (
    "they said the {one} would be {contrary} , they were wrong",
    "@user called the {one} {contrary} , i disagree",
    "everyone calls the {one} {same} and they are right",
)
_IRONY = (
    "{good} , another {trouble}",
    "oh {good} , a {trouble} again",
    "just what i needed , a {good} {trouble}",
    "thanks for the {trouble} , {good} {topic}",
    "{bad} {topic} , yet another {trouble}",
)
_RELIEF = (
    "{good} , finally no {trouble}",
    "not a single {trouble} , {good} {topic}",
    "was afraid of a {trouble} , it was {good}",
    "thanks for the {one} , {good} {topic}",
    "survived the {trouble} , what a {good} {one}",
)
_CLOSING = (
    "{agree} {topic}",
    "overall {agree}",
    "{agree} from start to end",
    "my verdict : {agree}",
)
_OPENERS = (*_words("honestly ngl lol omg ok wow today"), "update :", *_words("so @user fr tbh"))
_DEGREES = _words("so soo sooo really totally super very pretty absolutely kinda")
_COPULAS = ("is", "was", "feels", "seems")

_LABEL_SHARES = (0.36, 0.28, 0.36)
_FORM_BOUNDS = (0.24, 0.5, 0.64, 0.76)
_NEGATED_SHARE = 0.22
_DEGREE_SHARE = 0.35
_OPENER_SHARE = 0.35
_CLOSING_SHARE = 0.6
_EMOJI_SHARE = 0.4
_RANDOM_EMOJI_SHARE = 0.5
_TAG_SHARE = 0.3
_MOST_DRAWS = 64  # more than the longest post takes
_FREQUENCIES = 1 / (np.arange(len(POSITIVE)) + 4)  # after Zipf (1949)
_WORD_BOUNDS = tuple((np.cumsum(_FREQUENCIES) / _FREQUENCIES.sum())[:-1].tolist())


class Posts(NamedTuple):
    """Texts whose words are separated by single spaces; labels index `CLASS_NAMES`."""

    texts: tuple[str, ...]
    labels: Int32[np.ndarray, " posts"]


def posts(num_posts: int, seed: int, *, wrong_share: float = 0.0) -> Posts:
    """Write `num_posts` labelled posts; the same `seed` gives the same ones.

    Give each split a seed of its own.

    Args:
        num_posts: how many.
        seed: of the words.
        wrong_share: the share of posts whose label is replaced by another one, as annotators err.

    Raises:
        ValueError: `num_posts` is negative, or `wrong_share` is no share.
    """
    if num_posts < 0:
        raise ValueError(f"num_posts is {num_posts}; it must be zero or more")
    if not 0 <= wrong_share <= 1:
        raise ValueError(f"wrong_share is {wrong_share}; a share lies between 0 and 1")
    rng = np.random.default_rng(seed)
    labels = rng.choice(len(CLASS_NAMES), num_posts, p=_LABEL_SHARES).astype(np.int32)
    draws = rng.random((num_posts, _MOST_DRAWS))
    texts = tuple(
        _Writer(iter(own), label - 1).post()
        for own, label in zip(draws.tolist(), labels.tolist(), strict=True)
    )
    wrong = rng.random(num_posts) < wrong_share
    shift = rng.integers(1, len(CLASS_NAMES), num_posts)
    labels = np.where(wrong, (labels + shift) % len(CLASS_NAMES), labels).astype(np.int32)
    return Posts(texts, labels)


class _Writer:
    """Writes one post of a polarity: -1 blames, 1 praises, 0 does neither."""

    def __init__(self, draws: Iterator[float], polarity: int) -> None:
        self.draws = draws  # numbers between 0 and 1
        self.polarity = polarity
        self.topic = self._pick(tuple(TOPICS))
        aspects = TOPICS[self.topic].aspects
        self.one = self._pick(aspects)
        self.other = self._pick(tuple(aspect for aspect in aspects if aspect != self.one))
        self.be = self._pick(_COPULAS)

    def post(self) -> str:
        """The text."""
        text = self._fill(self._pick(self._form()))
        if self._happens(_OPENER_SHARE):
            text = f"{self._pick(_OPENERS)} {text}"
        if self.polarity and self._happens(_CLOSING_SHARE):
            text = f"{text} . {self._fill(self._pick(_CLOSING))}"
        if self._happens(_EMOJI_SHARE):
            text = f"{text} {self._emoji(text)}"
        if self._happens(_TAG_SHARE):
            text = f"{text} {self._pick(TOPICS[self.topic].tags)}"
        return text

    def _form(self) -> tuple[str, ...]:
        if self.polarity == 0:
            return _NEUTRAL
        last = _RELIEF if self.polarity > 0 else _IRONY
        forms = _PLAIN, _TWICE, _AGAINST, _HEARSAY, last
        return forms[bisect(_FORM_BOUNDS, next(self.draws))]

    def _fill(self, template: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda match: self._words(match[1]), template)

    def _words(self, name: str) -> str:
        match name:
            case "agree" | "oppose":
                return self._verdict(self.polarity if name == "agree" else -self.polarity)
            case "same" | "contrary":
                return self._word(self.polarity if name == "same" else -self.polarity)
            case "good" | "bad":
                return self._word(1 if name == "good" else -1)
            case "any":
                return self._word(self._pick((-1, 1)))
            case "trouble":
                return self._pick(TOPICS[self.topic].troubles)
            case _:
                return str(getattr(self, name))

    def _verdict(self, polarity: int) -> str:
        """A word of this polarity, or the negation of one of the other."""
        degree = f"{self._pick(_DEGREES)} " if self._happens(_DEGREE_SHARE) else ""
        if self._happens(_NEGATED_SHARE):
            return f"{self._pick(NEGATIONS)} {degree}{self._word(-polarity)}"
        return degree + self._word(polarity)

    def _word(self, polarity: int) -> str:
        words = POSITIVE if polarity > 0 else NEGATIVE
        return words[bisect(_WORD_BOUNDS, next(self.draws))]

    def _emoji(self, text: str) -> str:
        """One at random, or one of the mood of the last verdict word."""
        if self._happens(_RANDOM_EMOJI_SHARE):
            return self._pick(sum(MOODS, ()))
        moods = [
            1 if word in POSITIVE else -1
            for word in text.split()
            if word in POSITIVE or word in NEGATIVE
        ]
        return self._pick(MOODS[1 + (moods[-1] if moods else 0)])

    def _happens(self, share: float) -> bool:
        return next(self.draws) < share

    def _pick(self, items: tuple[Item, ...]) -> Item:
        return items[int(next(self.draws) * len(items))]
