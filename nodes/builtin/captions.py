"""Decides how a picture is put into words: one complete caption for measuring, and many looser ones for training."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nodes.builtin.world import SCENES, Picture

COLOUR_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "turquoise": ("turquoise", "teal", "cyan"),
    "purple": ("purple", "violet"),
    "gray": ("gray", "grey"),
    "navy": ("navy", "dark blue"),
}
SHAPE_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "circle": ("circle", "disk", "ball"),
    "square": ("square", "box"),
    "ring": ("ring", "donut"),
    "cross": ("cross", "plus sign"),
    "diamond": ("diamond", "rhombus"),
}
SIZE_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "small": ("small", "little", "tiny"),
    "medium": ("medium",),
    "large": ("large", "big", "huge"),
}
POSITION_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "middle": ("in the middle", "in the center"),
    "left": ("on the left", "on the left side"),
    "right": ("on the right", "on the right side"),
    "top": ("at the top",),
    "bottom": ("at the bottom",),
}
RELATION_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "left": ("to the left of", "left of"),
    "right": ("to the right of", "right of"),
    "above": ("above", "over", "on top of"),
    "below": ("below", "under"),
}
OPPOSITE: Final = {"left": "right", "right": "left", "above": "below", "below": "above"}
UNORDERED_WORDS: Final = ("and", "next to", "beside", "with")
LIGHT_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "day": ("by day", "during the day", "in daylight"),
    "sunset": ("at sunset", "in the evening"),
    "night": ("at night", "in the night"),
}
SCENE_PHRASES: Final[dict[str, tuple[str, ...]]] = {
    "hill": ("a {} hill and the sun", "the sun over a {} hill", "a {} hill", "{} hills"),
    "house": ("a {} house", "a house with {} walls", "a {} cottage"),
    "boat": ("a boat with {} sails on the sea", "a {} boat", "a {} sailboat", "a {} boat on the water"),
    "tree": ("a {} tree", "a tree with {} leaves", "a round {} tree"),
    "flower": ("a {} flower", "a flower with {} petals"),
    "fish": ("a {} fish", "a {} fish in the sea", "a {} fish under water"),
    "moon": ("a {} moon", "a {} crescent moon", "a {} moon in the sky"),
    "mountain": ("a {} mountain", "a {} mountain with snow", "{} mountains"),
    "rocket": ("a {} rocket", "a {} space rocket", "a {} rocket flying"),
    "smiling face": ("a {} smiling face", "a happy {} face", "a {} smiley"),
    "cat": ("a {} cat", "the face of a {} cat", "a cute {} cat"),
    "mushroom": ("a {} mushroom", "a mushroom with a {} cap"),
    "snowman": ("a snowman with a {} scarf", "a snowman wearing a {} scarf"),
}
PREFIXES: Final = ("a picture of", "a drawing of", "an illustration of", "an image of", "a simple drawing of")
SUFFIXES: Final = (
    "flat design",
    "simple",
    "colorful",
    "masterpiece, best quality",
    "high quality",
    "highly detailed",
    "minimal",
    "vector art",
    "digital art",
    "beautiful",
)
NEGATIVE_CAPTIONS: Final = (
    "blurry", "low quality", "bad quality, blurry", "worst quality, low quality", "ugly", "noise", "text, watermark",
    "deformed, ugly", "jpeg artifacts", "bad anatomy", "distorted",
)  # fmt: skip
OTHER_WORDS: Final = (
    "astronaut", "horse", "dog", "photo", "city", "woman", "man", "castle", "dragon", "portrait", "style", "by",
    "artist", "forest", "river", "old", "new", "young", "fast", "slow", "light", "shiny", "glass", "metal", "wooden", "paper",
    "pine", "fir", "christmas", "sad", "unhappy", "hot", "air", "balloon", "car", "road",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Teller:
    """Chooses words. Without a random source, it says every fact in its first wording."""

    source: random.Random | None

    def word(self, table: dict[str, tuple[str, ...]], key: str) -> str:
        return self.choose(table.get(key, (key,)))

    def choose(self, options: Sequence[str]) -> str:
        if self.source is None:
            return options[0]
        return options[0] if self.source.random() < 0.5 else self.source.choice(options)

    def says(self, chance: float) -> bool:
        return self.source is None or self.source.random() < chance


def with_article(phrase: str) -> str:
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def _object(teller: Teller, shape: str, colour: str, size: str = "") -> str:
    """An object with its article; a random teller may leave out its size or its colour."""
    words = [teller.word(SHAPE_WORDS, shape)]
    if teller.says(0.93):
        words.insert(0, teller.word(COLOUR_WORDS, colour))
    if size and teller.says(0.65):
        words.insert(0, teller.word(SIZE_WORDS, size))
    return with_article(" ".join(words))


def _background(teller: Teller, picture: Picture) -> str:
    words = [teller.word(COLOUR_WORDS, picture.background), "background"]
    if picture.style != "plain" and teller.says(0.9):
        words.insert(0, picture.style)
    return with_article(" ".join(words))


def _place(teller: Teller, subject: str, picture: Picture) -> str:
    """Join a subject to its background, which a random teller may leave out or say first."""
    if not teller.says(0.8):
        return subject
    background = _background(teller, picture)
    if teller.says(0.75):
        return f"{subject} on {background}"
    return f"{background} with {subject}" if teller.says(0.5) else f"{subject}, {background.split(' ', 1)[1]}"


def _pair(teller: Teller, picture: Picture) -> str:
    first = _object(teller, picture.shape, picture.colour)
    second = _object(teller, picture.other_shape, picture.other_colour)
    relation = picture.relation
    if not teller.says(0.7):
        first, second, relation = second, first, OPPOSITE[relation]
    if relation in ("left", "right") and not teller.says(0.8) and teller.source is not None:
        return f"{first} {teller.source.choice(UNORDERED_WORDS)} {second}"
    return f"{first} {teller.word(RELATION_WORDS, relation)} {second}"


def _scene(teller: Teller, picture: Picture) -> str:
    phrase = teller.choose(SCENE_PHRASES[picture.kind])
    colour = teller.word(COLOUR_WORDS, picture.colour) if teller.says(0.88) else ""
    phrase = " ".join(phrase.format(colour).split())
    if picture.background == "night":
        phrase = phrase.replace("the sun", "the moon")
    if phrase.startswith("a ") and phrase[2] in "aeiou":
        phrase = f"an {phrase[2:]}"
    return f"{phrase} {teller.word(LIGHT_WORDS, picture.background)}" if teller.says(0.85) else phrase


def _tell(teller: Teller, picture: Picture) -> str:
    if picture.kind in SCENES:
        return _scene(teller, picture)
    if picture.kind == "pair":
        return _place(teller, _pair(teller, picture), picture)
    subject = _object(teller, picture.shape, picture.colour, picture.size)
    if teller.says(0.65):
        subject = f"{subject} {teller.word(POSITION_WORDS, picture.position)}"
    return _place(teller, subject, picture)


def full_caption(picture: Picture) -> str:
    """Every fact of the picture, in the plainest words; the evaluation prompts with these."""
    return _tell(Teller(None), picture)


def loose_caption(picture: Picture, source: random.Random) -> str:
    """A caption for training: facts may be missing, words vary, and sometimes a word that means nothing is in it."""
    caption = _tell(Teller(source), picture)
    if source.random() < 0.25:
        caption = f"{source.choice(PREFIXES)} {caption}"
    if source.random() < 0.15:
        caption = f"{caption}, {source.choice(SUFFIXES)}"
    if source.random() < 0.04:
        words = caption.split(" ")
        words.insert(source.randrange(len(words) + 1), source.choice(OTHER_WORDS))
        caption = " ".join(words)
    return caption


def all_words() -> list[str]:
    """Every word that a caption can hold, in a fixed order; the tokenizer gives each its own token."""
    tables = (COLOUR_WORDS, SHAPE_WORDS, SIZE_WORDS, POSITION_WORDS, RELATION_WORDS, LIGHT_WORDS, SCENE_PHRASES)
    phrases = [phrase for table in tables for options in table.values() for phrase in options]
    phrases += [*COLOUR_WORDS, *SHAPE_WORDS, *PREFIXES, *SUFFIXES, *NEGATIVE_CAPTIONS, *OTHER_WORDS, *UNORDERED_WORDS]
    phrases += [colour for colours in SCENES.values() for colour in colours]
    phrases += ["a an on with background striped gradient yellow red triangle star heart"]
    words = [word for phrase in phrases for word in phrase.replace(",", " ").replace("{}", " ").split()]
    return list(dict.fromkeys(words))
