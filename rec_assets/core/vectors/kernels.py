"""One pass of Word2Vec with negative sampling over a part of the training playlists, as compiled loops.

Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their Compositionality", section 2, in the
form of gensim's ``word2vec_inner.pyx``, with one difference: the negative samples of a track are drawn once for all
its context (Ji et al. 2016, "Parallelizing Word2Vec in Shared and Distributed Memory", section 3).
"""

import numpy as np

from rec_assets.core.base.compiled import compiled, compiled_in_any_order, inlined_in_any_order

MAX_DOT = 6.0  # beyond it the gradient is as good as 0, and gensim leaves it out, too
_STEPS = 1_000
SIGMOID = (1 / (1 + np.exp(-np.linspace(-MAX_DOT, MAX_DOT, _STEPS, endpoint=False)))).astype(np.float32)


def guide_of(cumulative: np.ndarray) -> np.ndarray:
    """(v,) int32 where the search for a share of ``cumulative`` (v,) begins (Chen & Asau 1974, "On generating random
    variates from an empirical distribution"): on average it ends one step on.
    """
    shares = np.arange(len(cumulative)) / len(cumulative)
    return np.searchsorted(cumulative, shares * cumulative[-1], side="right").astype(np.int32)


@compiled
def _next(state: np.uint64) -> np.uint64:
    """The next number of Marsaglia's xorshift64 (2003, "Xorshift RNGs"); ``state`` is not 0."""
    state ^= (state << np.uint64(13)) & np.uint64(0xFFFFFFFFFFFFFFFF)
    state ^= state >> np.uint64(7)
    state ^= (state << np.uint64(17)) & np.uint64(0xFFFFFFFFFFFFFFFF)
    return state


@compiled
def _seeded(seed: int, epoch: int, sequence: int) -> np.uint64:
    """A state that is a hash of all three (splitmix64; Steele et al. 2014), so that no order of work changes it."""
    mixed = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(epoch)
    mixed = mixed * np.uint64(0xD1342543DE82EF95) + np.uint64(sequence) + np.uint64(1)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (mixed ^ (mixed >> np.uint64(31))) | np.uint64(1)


@compiled
def _share(state: np.uint64) -> float:
    """The number 0..1 of a ``state``."""
    return np.float64(state >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@compiled
def _draw_noise(
    state: np.uint64, cumulative: np.ndarray, guide: np.ndarray, target: int, drawn: np.ndarray
) -> np.uint64:
    """Fills ``drawn`` with the ``target`` and then its noise, -1 where a draw is the target itself."""
    drawn[0] = target
    for place in range(1, len(drawn)):
        state = _next(state)
        share = _share(state)
        noise = guide[int(share * len(guide))]
        while cumulative[noise] <= share * cumulative[-1]:
            noise += 1
        drawn[place] = noise if noise != target else -1
    return state


@inlined_in_any_order
def _learn(
    query: np.ndarray, drawn: np.ndarray, outputs: np.ndarray, work: np.ndarray, alpha: float, sigmoid: np.ndarray
) -> None:
    """Moves the output vectors of all ``drawn`` by the ``query``, and adds up in ``work`` how it is to move."""
    size = len(query)
    for place in range(len(drawn)):
        other = drawn[place]
        if other < 0:
            continue
        dot = np.float32(0)
        for x in range(size):
            dot += query[x] * outputs[other, x]
        if not (-MAX_DOT < dot < MAX_DOT):  # nor where it is NaN
            continue
        likely = sigmoid[int((dot + MAX_DOT) * (_STEPS / (2 * MAX_DOT)))]
        gradient = np.float32(((1.0 if place == 0 else 0.0) - likely) * alpha)
        for x in range(size):
            before = outputs[other, x]
            outputs[other, x] = before + gradient * query[x]
            work[x] += gradient * before


@compiled
def _keep(words: np.ndarray, keep: np.ndarray, kept: np.ndarray, state: np.uint64) -> tuple[int, np.uint64]:
    """Puts into ``kept`` those of ``words`` that downsampling leaves; returns how many, and the next state."""
    count = 0
    for word in words:
        state = _next(state)
        if keep[word] >= 1 or _share(state) < keep[word]:
            kept[count] = word
            count += 1
    return count, state


@compiled_in_any_order
def _train_skip_gram(
    context: np.ndarray,
    skipped: int,
    drawn: np.ndarray,
    inputs: np.ndarray,
    outputs: np.ndarray,
    scratch: np.ndarray,
    work: np.ndarray,
    alpha: float,
    sigmoid: np.ndarray,
) -> None:
    """Each track of the ``context``, but the one at ``skipped``, asks for those ``drawn``."""
    for place in range(len(context)):
        if place != skipped:
            word = context[place]
            for x in range(len(work)):
                scratch[x], work[x] = inputs[word, x], 0
            _learn(scratch, drawn, outputs, work, alpha, sigmoid)
            for x in range(len(work)):
                inputs[word, x] += work[x]


@compiled_in_any_order
def _train_cbow(
    context: np.ndarray,
    skipped: int,
    drawn: np.ndarray,
    inputs: np.ndarray,
    outputs: np.ndarray,
    scratch: np.ndarray,
    work: np.ndarray,
    alpha: float,
    sigmoid: np.ndarray,
) -> None:
    """The mean of the ``context``, without the track at ``skipped``, asks for those ``drawn``."""
    for x in range(len(work)):
        scratch[x], work[x] = 0, 0
    for place in range(len(context)):
        if place != skipped:
            word = context[place]
            for x in range(len(work)):
                scratch[x] += inputs[word, x]
    for x in range(len(work)):
        scratch[x] /= np.float32(len(context) - 1)
    _learn(scratch, drawn, outputs, work, alpha, sigmoid)
    # Each moves by the whole of it, as in gensim; a share of it took 8 points of hit rate.
    for place in range(len(context)):
        if place != skipped:
            word = context[place]
            for x in range(len(work)):
                inputs[word, x] += work[x]


@compiled_in_any_order
def train(
    skip_gram: bool,
    words: np.ndarray,
    offsets: np.ndarray,
    part: tuple[int, int, int],
    keep: np.ndarray,
    noise: tuple[np.ndarray, np.ndarray],
    vectors: tuple[np.ndarray, np.ndarray],
    window: int,
    negative: int,
    alphas: tuple[float, float],
    seed: int,
    sigmoid: np.ndarray,
    stop: np.ndarray,
) -> None:
    """Train on a part of the sequences, in place and without locks.

    Niu et al. 2011, "Hogwild!": threads that write the same vectors now and then undo a little of each other's work.

    Args:
        skip_gram: each context track asks for the centre; else the mean of the context does (CBOW).
        words: (w,) int32 numbers of the vocabulary, sequence by sequence.
        offsets: (n + 1,) int64 where each sequence begins.
        part: which epoch, its first sequence, and the one after its last.
        keep: (v,) float32 probability by which an occurrence is kept.
        noise: (v,) float64 running sum of the noise weights, and their :func:`guide_of`.
        vectors: (v, d) float32 input and output vectors.
        window: greatest distance of a context; the distance of each centre is drawn from 1 to it.
        negative: noise tracks per centre.
        alphas: learning rate before the first word of all epochs, and what each word takes from it.
        seed: of all draws.
        sigmoid: ``SIGMOID``; an argument, since numba copies constants into the code.
        stop: (1,) ends training when it is not 0.
    """
    epoch, first, last = part
    longest = 0
    for sequence in range(first, last):
        longest = max(longest, offsets[sequence + 1] - offsets[sequence])
    kept, drawn = np.empty(longest, np.int32), np.empty(negative + 1, np.int64)
    inputs, outputs = vectors
    scratch, work = np.empty(inputs.shape[1], np.float32), np.empty(inputs.shape[1], np.float32)
    for sequence in range(first, last):
        state = _seeded(seed, epoch, sequence)
        count, state = _keep(words[offsets[sequence] : offsets[sequence + 1]], keep, kept, state)
        done = np.float64(epoch) * np.float64(len(words)) + np.float64(offsets[sequence])
        alpha = alphas[0] - alphas[1] * done
        for centre in range(count):
            if stop[0] != 0:
                return
            state = _next(state)
            reach = 1 + np.int64(_share(state) * window)
            low, high = max(0, centre - reach), min(count, centre + reach + 1)
            if high - low < 2:
                continue
            state = _draw_noise(state, noise[0], noise[1], kept[centre], drawn)
            if skip_gram:
                _train_skip_gram(kept[low:high], centre - low, drawn, inputs, outputs, scratch, work, alpha, sigmoid)
            else:
                _train_cbow(kept[low:high], centre - low, drawn, inputs, outputs, scratch, work, alpha, sigmoid)
