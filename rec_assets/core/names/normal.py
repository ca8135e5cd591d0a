"""Names as they are compared: without case, accents, punctuation and runs of spaces."""

import re
import unicodedata
from collections.abc import Sequence

# What is compared of a text, in characters: nobody types more of a name, and a catalog may hold whole books.
LONGEST = 200

# A line end keeps the texts of a batch apart.
BETWEEN = "\n"

# The voicing marks of kana tell letters apart ("ka" and "ga"), as no accent does.
_VOICED = "\u3099\u309a"

_BRACKETED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_VERSION = re.compile(r"\s[-\u2013\u2014]\s.*")  # " - Live", " - Remastered 2009"
_GUESTS = re.compile(r"(?<=\S)\s+\(?(?:feat|ft|featuring)\b\.?\s+\S.*", re.IGNORECASE)
_ARTICLE = re.compile(r"^the (?=.)|(?<=.) the$")


class _Characters(dict[int, int | str | None]):
    """What becomes of each character, found out when it is first seen, for ``str.translate``."""

    def __missing__(self, code: int) -> int | str | None:
        self[code] = found = self._find(chr(code))
        return found

    @staticmethod
    def _find(character: str) -> int | str | None:
        if character == BETWEEN or character.isalnum() or character in _VOICED:
            return character
        if unicodedata.combining(character):
            return None
        # Marks that combine with nothing are the vowels of Indic scripts, except those that only select a glyph.
        is_vowel = unicodedata.category(character) in ("Mc", "Mn") and "VARIATION" not in unicodedata.name(
            character, ""
        )
        return character if is_vowel else " "


_CHARACTERS = _Characters()


def normalise(text: str) -> str:
    """``text`` as it is compared, at most ``LONGEST`` characters.

    Compatible forms are one (NFKD), combining marks and case are gone, letters and digits of every script are
    kept, and what else there is becomes one space. Where nothing is left, as of ``???``, it is ``text`` in lower
    case.
    """
    return normalise_all([text])[0]


def normalise_all(texts: Sequence[str]) -> list[str]:
    """Each of the ``texts`` as :func:`normalise` has it; a batch takes a tenth of the time of its texts one by one."""
    if not texts:
        return []
    cut = [text.strip()[:LONGEST].replace(BETWEEN, " ") for text in texts]
    kept = unicodedata.normalize("NFKD", BETWEEN.join(cut)).translate(_CHARACTERS).casefold()
    return [
        (" ".join(line.split()) or _as_it_is(text))[:LONGEST].rstrip(" ")
        for line, text in zip(kept.split(BETWEEN), cut, strict=True)
    ]


def without_spaces(normal: str) -> str:
    """A ``normal`` text without its spaces: "ac dc" is "acdc"."""
    return normal.replace(" ", "")


def _as_it_is(text: str) -> str:
    return " ".join(text.casefold().split())


def bare_artist(artist: str) -> str:
    """``artist`` normalised, without its guests ("feat. …") and its article ("The …", "…, The")."""
    return _ARTICLE.sub("", normalise(_GUESTS.sub("", artist.strip()[:LONGEST])), count=1)


def bare_title(title: str) -> str:
    """``title`` normalised, without its guests and what tells its version: brackets, and what follows a dash."""
    written = title.strip()[:LONGEST]
    bare = _GUESTS.sub("", _VERSION.sub("", _BRACKETED.sub(" ", written).strip()))
    return normalise(bare) or normalise(written)
