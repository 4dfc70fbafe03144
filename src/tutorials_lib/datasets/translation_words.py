"""The words of the grammar in `tutorials_lib.datasets.translation`, and what French does to them.

A noun, an adjective or a verb goes with *kinds* of things: h for people, a for animals, t for
things without life. So nobody sells a queen, and no bridge sleeps.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Noun(NamedTuple):
    """A noun: English and French, each in the singular and the plural."""

    english: tuple[str, str]
    french: tuple[str, str]
    gender: str
    kind: str


class Adjective(NamedTuple):
    """An adjective with its four French forms, masculine before feminine, singular before plural.

    Attributes:
        english: the one English form.
        french: masculine, masculine plural, feminine, feminine plural.
        before: whether it stands before its noun in French.
        kinds: what it may describe.
        before_vowel: the masculine singular before a vowel (*un bel homme*).
    """

    english: str
    french: tuple[str, str, str, str]
    before: bool
    kinds: str
    before_vowel: str


class Verb(NamedTuple):
    """A verb in both languages.

    Attributes:
        base: *see*.
        third: *sees*.
        past: *saw*.
        particle: what follows in English, as *for* after *look*; or nothing.
        french: present tense with je, il, nous and ils.
        participle: of the *passé composé*.
        auxiliary: `avoir` or `être`.
        object_type: `direct`, `none`, or `to` for an object after *à*.
        subjects: kinds that may do it.
        objects: kinds that it may be done to.
    """

    base: str
    third: str
    past: str
    particle: str
    french: tuple[str, str, str, str]
    participle: str
    auxiliary: str
    object_type: str
    subjects: str
    objects: str


_NOUNS = """
man men homme hommes m h
woman women femme femmes f h
boy boys garçon garçons m h
girl girls fille filles f h
teacher teachers professeur professeurs m h
friend friends ami amis m h
child children enfant enfants m h
queen queens reine reines f h
king kings roi rois m h
actress actresses actrice actrices f h
sister sisters sœur sœurs f h
neighbour neighbours voisin voisins m h
cat cats chat chats m a
dog dogs chien chiens m a
horse horses cheval chevaux m a
bird birds oiseau oiseaux m a
cow cows vache vaches f a
mouse mice souris souris f a
goat goats chèvre chèvres f a
donkey donkeys âne ânes m a
house houses maison maisons f t
tree trees arbre arbres m t
car cars voiture voitures f t
book books livre livres m t
church churches église églises f t
school schools école écoles f t
castle castles château châteaux m t
garden gardens jardin jardins m t
boat boats bateau bateaux m t
table tables table tables f t
window windows fenêtre fenêtres f t
door doors porte portes f t
hotel hotels hôtel hôtels m t
island islands île îles f t
bridge bridges pont ponts m t
picture pictures tableau tableaux m t
hospital hospitals hôpital hôpitaux m t
key keys clé clés f t
hat hats chapeau chapeaux m t
letter letters lettre lettres f t
"""

_ADJECTIVES = """
small petit petits petite petites before hat
big grand grands grande grandes before hat
old vieux vieux vieille vieilles before hat vieil
beautiful beau beaux belle belles before hat bel
new nouveau nouveaux nouvelle nouvelles before t nouvel
young jeune jeunes jeune jeunes before ha
pretty joli jolis jolie jolies before hat
black noir noirs noire noires after at
white blanc blancs blanche blanches after at
red rouge rouges rouge rouges after t
green vert verts verte vertes after t
happy heureux heureux heureuse heureuses after ha
sad triste tristes triste tristes after ha
tired fatigué fatigués fatiguée fatiguées after ha
heavy lourd lourds lourde lourdes after at
expensive cher chers chère chères after t
italian italien italiens italienne italiennes after hat
quiet tranquille tranquilles tranquille tranquilles after ha
proud fier fiers fière fières after h
strange étrange étranges étrange étranges after hat
"""

_VERBS = """
see sees saw - vois voit voyons voient vu avoir direct ha hat
love loves loved - aime aime aimons aiment aimé avoir direct h hat
watch watches watched - regarde regarde regardons regardent regardé avoir direct ha hat
look looks looked for cherche cherche cherchons cherchent cherché avoir direct ha hat
find finds found - trouve trouve trouvons trouvent trouvé avoir direct ha hat
buy buys bought - achète achète achetons achètent acheté avoir direct h at
sell sells sold - vends vend vendons vendent vendu avoir direct h at
know knows knew - connais connaît connaissons connaissent connu avoir direct h h
follow follows followed - suis suit suivons suivent suivi avoir direct ha ha
forget forgets forgot - oublie oublie oublions oublient oublié avoir direct h ht
wait waits waited for attends attend attendons attendent attendu avoir direct ha ha
draw draws drew - dessine dessine dessinons dessinent dessiné avoir direct h hat
listen listens listened to écoute écoute écoutons écoutent écouté avoir direct ha ha
speak speaks spoke to parle parle parlons parlent parlé avoir to h h
sleep sleeps slept - dors dort dormons dorment dormi avoir none ha -
sing sings sang - chante chante chantons chantent chanté avoir none h -
arrive arrives arrived - arrive arrive arrivons arrivent arrivé être none ha -
leave leaves left - pars part partons partent parti être none ha -
eat eats ate - mange mange mangeons mangent mangé avoir none ha -
run runs ran - cours court courons courent couru avoir none ha -
"""


def _rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.strip().splitlines()]


NOUNS = tuple(
    Noun((one, many), (un, des), gender, kind) for one, many, un, des, gender, kind in _rows(_NOUNS)
)

ADJECTIVES = tuple(
    Adjective(word, (m, ms, f, fs), place == "before", kinds, special[0] if special else m)
    for word, m, ms, f, fs, place, kinds, *special in _rows(_ADJECTIVES)
)

VERBS = tuple(
    Verb(base, third, past, particle.strip("-"), (je, il, nous, ils), *others)
    for base, third, past, particle, je, il, nous, ils, *others in _rows(_VERBS)
)

_PLACE_NAMES = """
house tree church school castle garden boat table window door hotel bridge hospital car
"""

PLACES = tuple(noun for noun in NOUNS if noun.english[0] in _PLACE_NAMES.split())
"""Things that something can be in or near."""

AVOIR = ("ai", "a", "avons", "ont")
ETRE = ("suis", "est", "sommes", "sont")
ETAIT = ("étais", "était", "étions", "étaient")
"""Present of *avoir* and *être*, and imperfect of *être*: je, il, nous, ils."""

PREPOSITIONS = (
    ("in", "dans"),
    ("near", "près de"),
    ("behind", "derrière"),
    ("in front of", "devant"),
    ("opposite", "en face de"),
)

CONJUNCTIONS = (("and", "et"), ("but", "mais"), ("because", "parce que"), ("when", "quand"))

PRESENT_TIMES = (
    ("today", "aujourd'hui"),
    ("every day", "tous les jours"),
    ("now", "maintenant"),
    ("in the morning", "le matin"),
)
PAST_TIMES = (
    ("yesterday", "hier"),
    ("last week", "la semaine dernière"),
    ("this morning", "ce matin"),
)

_VOWELS = "aeiouyhâéèêîœô"  # every h in these words is silent, and *y* occurs alone
_ELIDED = ("je", "ne", "que", "de", "le", "la")
_MERGED = {
    ("de", "le"): "du",
    ("de", "les"): "des",
    ("de", "des"): "de",
    ("de", "de"): "de",
    ("à", "le"): "au",
    ("à", "les"): "aux",
}


class Pronoun(str):
    """An object pronoun: *le* that is no article, which does not merge with *de* and *à*."""

    __slots__ = ()


def begins_with_vowel(word: str) -> bool:
    """Whether the word before it is shortened."""
    return word[0] in _VOWELS


def join(words: Sequence[str]) -> list[str]:
    """Merge prepositions with articles (*du*, *aux*), then shorten words before a vowel (*l'*).

    A shortened word keeps its apostrophe and stays a word of its own. What follows decides, so
    that this comes when the whole sentence is written: *de le* becomes *du*, but *de l'* before
    a vowel.
    """
    merged: list[str] = []
    for word, following in zip(words, [*words[1:], "."], strict=True):
        key = (merged[-1] if merged else "", str(word))
        shortened = word == "le" and begins_with_vowel(following)
        if key in _MERGED and not shortened and not isinstance(word, Pronoun):
            merged[-1] = _MERGED[key]
        else:
            merged.append(word)
    return [
        word[:-1] + "'" if word in _ELIDED and begins_with_vowel(following) else str(word)
        for word, following in zip(merged, [*merged[1:], "."], strict=True)
    ]
