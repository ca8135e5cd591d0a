"""The words of playlists' titles, and numbers in their place, so that a model keeps nobody's text."""

import unicodedata
from collections.abc import Iterable
from hashlib import blake2b

import numpy as np

from rec_assets.core.names.likeness import LONGEST, normalise


def words_of(title: str) -> list[str]:
    """The words of ``title`` as :func:`normalise` writes them, each once; an emoji or other symbol is a word too."""
    normal = normalise(title)
    words = normal.split() if any(map(str.isalnum, normal)) else []
    symbols = () if title.isascii() else (one for one in title[:LONGEST] if unicodedata.category(one) == "So")
    return list(dict.fromkeys([*words, *symbols]))


def word_numbers(words: Iterable[str]) -> np.ndarray:
    """(w,) uint64 hash of each of ``words``, the same in every process and version."""
    digests = (blake2b(word.encode(errors="surrogatepass"), digest_size=8).digest() for word in words)
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)
