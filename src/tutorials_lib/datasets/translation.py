"""English sentences with the one French translation that counts as right, from a small grammar.

Word for word is not enough: French nouns have a gender, with which articles, adjectives and
participles agree (*la fille que j'ai vue*); some adjectives stand before the noun and others
behind it; *not* becomes two words around the verb; *it* becomes *il* or *elle* by the noun that it
stands for; little words merge and shrink (*du*, *aux*, *l'*). Clauses can stand inside clauses, so
that what agrees can be far apart.

Where English leaves a choice, one is taken throughout: *I* and *we* are men, *friend* and *child*
are masculine, and the past is the *passé composé*, the imperfect for *to be*. *It* and *they* are
written only where a single noun can be meant.

A number of noun-adjective pairs occur only in a split of their own, and so do sentences that are
longer than any in the training split.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from tutorials_lib.datasets.translation_words import (
    ADJECTIVES,
    AVOIR,
    CONJUNCTIONS,
    ETAIT,
    ETRE,
    NOUNS,
    PAST_TIMES,
    PLACES,
    PREPOSITIONS,
    PRESENT_TIMES,
    VERBS,
    Adjective,
    Noun,
    Pronoun,
    Verb,
    begins_with_vowel,
    join,
)

MAX_TRAIN_WORDS = 18
"""English words, with the full stop, of the longest sentences in all splits but `long`."""

MAX_WORDS = 28
"""English words of the longest sentences in `long`."""

_HELD_SHARE = 0.12
_HELD_SEED = 10_000

_DETERMINERS = (
    ("the", "the", "a", "a", "this", "my", "our", "his", "her", "every"),
    ("the", "the", "some", "some", "these", "my", "our", "his", "her", "two", "many"),
)
_DEFINITE = frozenset({"the", "this", "these", "my", "our", "his", "her", "every"})
_BEFORE_RELATIVE = frozenset(
    {"the", "this", "these", "my", "our", "his", "her", "a", "some", "two"}
)
_JE, _IL, _NOUS, _ILS = range(4)
_PERSONS = (("i", "je", _JE), ("we", "nous", _NOUS), ("he", "il", _IL), ("she", "elle", _IL))


class Pair(NamedTuple):
    """A sentence in both languages, as words; signs are words too."""

    english: tuple[str, ...]
    french: tuple[str, ...]


class Splits(NamedTuple):
    """Sentences that differ between all splits.

    Attributes:
        train: up to `MAX_TRAIN_WORDS` words, without the pairs that are held out.
        development: more of the same.
        test: more of the same.
        pairs: each with a noun that an adjective describes, beside it or in *is green*, which it
            never does in the others.
        long: more than `MAX_TRAIN_WORDS` and up to `MAX_WORDS` words.
    """

    train: tuple[Pair, ...]
    development: tuple[Pair, ...]
    test: tuple[Pair, ...]
    pairs: tuple[Pair, ...]
    long: tuple[Pair, ...]


@cache
def held_out_pairs() -> frozenset[tuple[str, str]]:
    """English adjectives and the nouns (singular) that they describe in `Splits.pairs` alone."""
    rng = np.random.default_rng(_HELD_SEED)  # the same pairs whatever the seed of the sentences
    return frozenset(
        (noun.english[0], adjective.english)
        for noun in NOUNS
        for adjective in ADJECTIVES
        if noun.kind in adjective.kinds and rng.random() < _HELD_SHARE
    )


def translation_pairs(num_train: int, num_test: int, seed: int) -> Splits:
    """Write sentences until every split is full; the same `seed` gives the same ones.

    Args:
        num_train: how many sentences `train` has.
        num_test: how many each of the other splits has.
        seed: of all choices.

    Raises:
        ValueError: a number is negative.
    """
    if min(num_train, num_test) < 0:
        raise ValueError(f"{num_train} and {num_test} sentences; both must be zero or more")
    grammar = _Grammar(np.random.default_rng(seed))
    wanted = dict.fromkeys(Splits._fields, num_test) | {"train": num_train}
    splits: dict[str, list[Pair]] = {name: [] for name in Splits._fields}
    seen = set()
    while open_splits := [name for name in splits if len(splits[name]) < wanted[name]]:
        pair, has_held_out = grammar.sentence()
        length = len(pair.english)
        if (
            pair.english in seen
            or length > MAX_WORDS
            or (has_held_out and length > MAX_TRAIN_WORDS)
        ):
            continue
        if length > MAX_TRAIN_WORDS:
            fitting = ["long"]
        else:
            fitting = ["pairs"] if has_held_out else ["development", "test", "train"]
        chosen = next((name for name in fitting if name in open_splits), None)
        if chosen is not None:
            seen.add(pair.english)
            splits[chosen].append(pair)
    return Splits(**{name: tuple(pairs) for name, pairs in splits.items()})


class _Meaning(NamedTuple):
    """What later words agree with.

    Attributes:
        gender: `m` or `f`.
        plural: whether it is several.
        kind: as of a noun.
        pronoun: that stands for it as a subject, in English.
        person: which form of a verb goes with it.
        noun: the English noun in the singular; none for *I*, *we*, *he* and *she*.
    """

    gender: str
    plural: bool
    kind: str
    pronoun: str
    person: int
    noun: str = ""


class _Phrase(NamedTuple):
    english: list[str]
    french: list[str]
    meaning: _Meaning


class _Clause(NamedTuple):
    english: list[str]
    french: list[str]
    object: _Meaning | None = None


class _Grammar:
    """Writes sentences.

    Attributes:
        rng: of all choices.
        held_out: whether the present sentence has a pair that is held out.
        named: what the present sentence has spoken of.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.held_out = False
        self.named: list[_Meaning] = []

    def sentence(self) -> tuple[Pair, bool]:
        """One sentence, and whether a pair that is held out is in it."""
        self.held_out, self.named = False, []
        past = self.chance(0.45)
        if self.chance(0.08):
            subject, clause = None, self.there_is(past)
        else:
            subject = self.subject("hhat" if self.chance(0.6) else "hat", depth=2)
            predicate = self.predicate(subject.meaning, past, self.chance(0.3), depth=2)
            clause = _Clause(
                subject.english + predicate.english,
                subject.french + predicate.french,
                predicate.object,
            )
        english, french = list(clause.english), list(clause.french)
        if self.chance(0.3):
            preposition = self.pick(PREPOSITIONS)
            place = self.noun_phrase(PLACES, depth=0)
            english += preposition[0].split() + place.english
            french += preposition[1].split() + place.french
        still = past
        if subject is not None and self.chance(0.4):
            conjunction = self.pick(CONJUNCTIONS)
            still = past if self.chance(0.7) else self.chance(0.45)
            second = self.second_clause(subject.meaning, clause.object, still)
            english += [conjunction[0], *second.english]
            french += conjunction[1].split() + second.french
        if still == past and self.chance(0.35):  # a time fits only where the tenses are one
            time, temps = self.pick(PAST_TIMES if past else PRESENT_TIMES)
            if self.chance(0.5):
                english, french = [*time.split(), ",", *english], [*temps.split(), ",", *french]
            else:
                english, french = english + time.split(), french + temps.split()
        return Pair((*english, "."), (*join(french), ".")), self.held_out

    def there_is(self, past: bool) -> _Clause:
        """*There is not a dog*, *il n'y a pas de chien*."""
        negated = self.chance(0.3)
        there = self.noun_phrase(NOUNS, depth=2, negated=negated)
        while there.english[0] in _DEFINITE:
            self.held_out, self.named = False, []  # what is thrown away does not count
            there = self.noun_phrase(NOUNS, depth=2, negated=negated)
        be = _be(there.meaning.person, past)
        verb = "avait" if past else "a"
        return _Clause(
            ["there", be, *["not"] * negated, *there.english],
            ["il", *["ne"] * negated, "y", verb, *["pas"] * negated, *there.french],
        )

    def second_clause(self, first: _Meaning, thing: _Meaning | None, past: bool) -> _Clause:
        """A clause about the first one's subject or object, or about something new.

        A pronoun is used only where it can stand for one noun alone.
        """
        negated = self.chance(0.3)
        about, other = self.clear(first), thing
        if (clear := self.clear(thing)) and clear.kind == "t" and self.chance(0.4):
            about, other = clear, None
        if about and about.pronoun not in ("i", "we"):
            english, meaning = [about.pronoun], about
            french = [{"m": "il", "f": "elle"}[meaning.gender] + "s" * meaning.plural]
        else:
            english, french, meaning = self.subject("hat", depth=0)
        known = self.clear(other)
        clause = self.predicate(meaning, past, negated, depth=0, known=known)
        return _Clause(english + clause.english, french + clause.french)

    def clear(self, meaning: _Meaning | None) -> _Meaning | None:
        """The same if its pronoun can stand for nothing else in the sentence, or nothing."""
        pronouns = [each.pronoun for each in self.named]
        return meaning if meaning and pronouns.count(meaning.pronoun) == 1 else None

    def subject(self, kinds: str, *, depth: int) -> _Phrase:
        """A pronoun or a noun; a kind that is named twice is no more probable."""
        if self.chance(0.3):
            english, french, person = self.pick(_PERSONS)
            gender = "f" if english == "she" else "m"
            meaning = _Meaning(gender, person == _NOUS, "h", english, person)
            self.named.append(meaning)
            return _Phrase([english], [french], meaning)
        return self.noun_phrase(_of_kind(kinds), depth=depth)

    def noun_phrase(self, nouns: tuple[Noun, ...], *, depth: int, negated: bool = False) -> _Phrase:
        """A determiner, perhaps an adjective, a noun, and perhaps a clause that describes it.

        Args:
            nouns: to choose from.
            depth: how many clauses may stand inside each other.
            negated: whether it is the direct object of *not*, where *some* is *any*, and French
                has *de*.
        """
        noun, plural = self.pick(nouns), self.chance(0.4)
        english, french = [noun.english[plural]], [noun.french[plural]]
        adjective = None
        if self.chance(0.5):
            adjective = self.pick([each for each in ADJECTIVES if noun.kind in each.kinds])
            self.note_pair(noun.english[0], adjective)
            english = [adjective.english, *english]
            form = _form(adjective, noun.gender, plural, french[0])
            french = [form, *french] if adjective.before else [*french, form]
        determiner: str = self.pick(_DETERMINERS[plural])
        if negated:
            determiner = {"some": "any", "every": "the"}.get(determiner, determiner)
        before = adjective is not None and adjective.before
        le = _french_determiner(determiner, noun, plural, french[0], before=before, negated=negated)
        an = "an" if determiner == "a" and english[0][0] in "aeiou" else determiner
        pronoun = {"m": "he", "f": "she"}[noun.gender] if noun.kind == "h" else "it"
        meaning = _Meaning(
            noun.gender,
            plural,
            noun.kind,
            "they" if plural else pronoun,
            _ILS if plural else _IL,
            noun.english[0],
        )
        self.named.append(meaning)
        phrase = _Phrase([an, *english], [*le, *french], meaning)
        describable = determiner in _BEFORE_RELATIVE and not (negated and determiner == "a")
        if depth > 0 and describable and self.chance(0.55):
            clause = self.relative(meaning, depth - 1)
            return _Phrase(phrase.english + clause.english, phrase.french + clause.french, meaning)
        return phrase

    def relative(self, about: _Meaning, depth: int) -> _Clause:
        """*that sees him* (qui) or *that he sees* (que, with which the participle agrees)."""
        past, negated = self.chance(0.4), self.chance(0.15)
        if about.kind != "t" and self.chance(0.5):
            verb = self.pick([verb for verb in VERBS if about.kind in verb.subjects])
            english, french = _conjugate(verb, about, past, negated)
            there = self.object(verb, negated, depth=depth)
            return _Clause(["that", *english, *there.english], ["qui", *french, *there.french])
        subject = self.subject("h", depth=depth)
        verb = self.pick(
            [v for v in VERBS if v.object_type == "direct" and about.kind in v.objects]
        )
        english, french = _conjugate(verb, subject.meaning, past, negated, agree_with=about)
        return _Clause(["that", *subject.english, *english], ["que", *subject.french, *french])

    def object(self, verb: Verb, negated: bool, *, depth: int) -> _Clause:
        """What the verb is done to, if anything."""
        if verb.object_type == "none":
            return _Clause([], [])
        direct = verb.object_type == "direct"
        english, french, meaning = self.noun_phrase(
            _of_kind(verb.objects), depth=depth, negated=negated and direct
        )
        return _Clause(english, french if direct else ["à", *french], meaning)

    def predicate(
        self,
        subject: _Meaning,
        past: bool,
        negated: bool,
        *,
        depth: int,
        known: _Meaning | None = None,
    ) -> _Clause:
        """What is said of the subject; `known` may become an object pronoun."""
        choice = self.rng.random()
        if subject.kind == "t" or choice < 0.22:
            return self.being(subject, past, negated)
        able = [verb for verb in VERBS if subject.kind in verb.subjects]
        if known and self.chance(0.8):
            verb = self.pick([verb for verb in able if known.kind in verb.objects])
            direct = verb.object_type == "direct"
            english, french = _conjugate(
                verb,
                subject,
                past,
                negated,
                clitic=_clitic(known, direct),
                agree_with=known if direct else None,
            )
            pronouns = {"they": "them", "he": "him", "she": "her", "it": "it"}
            return _Clause([*english, pronouns[known.pronoun]], french)
        verb = self.pick([verb for verb in able if verb.object_type != "none" or choice < 0.5])
        english, french = _conjugate(verb, subject, past, negated)
        there = self.object(verb, negated, depth=depth)
        return _Clause(english + there.english, french + there.french, there.object)

    def being(self, subject: _Meaning, past: bool, negated: bool) -> _Clause:
        """*is not very old*, *n'est pas très vieille*."""
        adjective = self.pick([each for each in ADJECTIVES if subject.kind in each.kinds])
        self.note_pair(subject.noun, adjective)
        very = self.chance(0.3)
        form = adjective.french[subject.plural + 2 * (subject.gender == "f")]
        be, verb = _be(subject.person, past), (ETAIT if past else ETRE)[subject.person]
        return _Clause(
            [be, *["not"] * negated, *["very"] * very, adjective.english],
            [*["ne"] * negated, verb, *["pas"] * negated, *["très"] * very, form],
        )

    def note_pair(self, noun: str, adjective: Adjective) -> None:
        """Remember whether such a pair is held out."""
        self.held_out |= (noun, adjective.english) in held_out_pairs()

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def pick(self, items: Sequence[Any]) -> Any:
        return items[int(self.rng.integers(len(items)))]


@cache
def _of_kind(kinds: str) -> tuple[Noun, ...]:
    return tuple(noun for noun in NOUNS if noun.kind in kinds)


def _be(person: int, past: bool) -> str:
    singular = {_JE: ("am", "was"), _IL: ("is", "was")}
    return singular.get(person, ("are", "were"))[past]


def _form(adjective: Adjective, gender: str, plural: bool, noun: str) -> str:
    """The form beside a noun; *bel*, *vieil* and *nouvel* stand before a vowel."""
    if adjective.before and not plural and gender == "m" and begins_with_vowel(noun):
        return adjective.before_vowel
    return adjective.french[plural + 2 * (gender == "f")]


def _french_determiner(
    determiner: str, noun: Noun, plural: bool, following: str, *, before: bool, negated: bool
) -> list[str]:
    """The French of an English determiner.

    Args:
        determiner: the English word.
        noun: what it stands with.
        plural: in which number.
        following: the French word behind it: before a vowel, *mon* and *cet* are used.
        before: whether that is an adjective, which makes *des* to *de* in the plural.
        negated: whether the noun is the direct object of *not*.
    """
    vowel, masculine = begins_with_vowel(following), noun.gender == "m"
    if negated and determiner in ("a", "any"):
        return ["de"]
    if determiner in ("my", "his", "her"):
        ending = "es" if plural else "on" if masculine or vowel else "a"
        return [("m" if determiner == "my" else "s") + ending]
    return {
        "the": ["les" if plural else "le" if masculine else "la"],
        "a": ["un" if masculine else "une"],
        "this": ["cet" if masculine and vowel else "ce" if masculine else "cette"],
        "our": ["nos" if plural else "notre"],
        "every": ["chaque"],
        "some": ["de" if before else "des"],
        "two": ["deux"],
        "these": ["ces"],
        "many": ["beaucoup", "de"],
    }[determiner]


def _clitic(known: _Meaning, direct: bool) -> Pronoun:
    """The pronoun before the verb: le, la, les, or lui, leur for somebody *to* whom it is done."""
    if direct:
        return Pronoun("les" if known.plural else {"m": "le", "f": "la"}[known.gender])
    return Pronoun("leur" if known.plural else "lui")


def _conjugate(
    verb: Verb,
    subject: _Meaning,
    past: bool,
    negated: bool,
    *,
    clitic: Pronoun | None = None,
    agree_with: _Meaning | None = None,
) -> tuple[list[str], list[str]]:
    """The words of the verb in both languages.

    With *être* the participle agrees with the subject, with *avoir* with a direct object that
    stands before it, which is `agree_with`.
    """
    third = subject.person == _IL
    if negated:
        english = ["did" if past else "does" if third else "do", "not", verb.base]
    else:
        english = [verb.past if past else verb.third if third else verb.base]
    participle: list[str] = []
    first = verb.french[subject.person]
    if past:
        etre = verb.auxiliary == "être"
        first = (ETRE if etre else AVOIR)[subject.person]
        owner = subject if etre else agree_with
        ending = ("e" * (owner.gender == "f") + "s" * owner.plural) if owner else ""
        participle = [verb.participle + ending]
    negation = (["ne"], ["pas"]) if negated else ([], [])
    clitics = [clitic] if clitic else []
    french = [*negation[0], *clitics, first, *negation[1], *participle]
    return english + ([verb.particle] if verb.particle else []), french
