"""One pass of Word2Vec with negative sampling over a part of the training playlists, as compiled loops.

Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their Compositionality", section 2, in the
form of gensim's ``word2vec_inner.pyx``, with one difference: the negative samples of a track are drawn once for all
its context (Ji et al. 2016, "Parallelizing Word2Vec in Shared and Distributed Memory", section 3).
"""

import numpy as np

from rec_assets.core.base.compiled import compiled, compiled_in_any_order, inlined_in_any_order

MAX_DOT = np.float32(6)  # beyond it the gradient is as good as 0, and gensim leaves it out, too
_STEPS = 1_000
_STEPS_BY_DOT = np.float32(_STEPS / (2 * MAX_DOT))
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
) -> tuple[int, np.uint64]:
    """Puts into ``drawn`` the ``target``, then noise that is not the target; returns how many, and the next state."""
    drawn[0] = target
    count = np.int64(1)
    for _ in range(1, len(drawn)):
        state = _next(state)
        share = _share(state)
        noise = guide[int(share * len(guide))]
        while cumulative[noise] <= share * cumulative[-1]:
            noise += 1
        if noise != target:
            drawn[count] = noise
            count += 1
    return int(count), state


@compiled
def _gradient(dot: np.float32, label: np.float32, alpha: np.float32, sigmoid: np.ndarray) -> np.float32:
    """How far the product ``dot`` is from its ``label`` (1 for the target, 0 for noise), times ``alpha``."""
    if not (-MAX_DOT < dot < MAX_DOT):  # nor where it is NaN
        return np.float32(0)
    return (label - sigmoid[int((dot + MAX_DOT) * _STEPS_BY_DOT)]) * alpha


@inlined_in_any_order
def _learn(
    queries: np.ndarray,
    row: int,
    drawn: np.ndarray,
    outputs: np.ndarray,
    work: np.ndarray,
    alpha: np.float32,
    sigmoid: np.ndarray,
) -> None:
    """Moves the output vectors of all ``drawn`` by the query in ``row``, and adds to ``work`` how it is to move."""
    at = 0
    while at < len(drawn):
        one, two, three = drawn[at], drawn[at], drawn[at]
        if at + 2 < len(drawn):
            two, three = drawn[at + 1], drawn[at + 2]
        label = np.float32(at == 0)
        if one != two and two != three and three != one:  # three at once, since each waits long for its sum
            dot_1, dot_2, dot_3 = np.float32(0), np.float32(0), np.float32(0)
            for x in range(len(work)):
                dot_1 += queries[row, x] * outputs[one, x]
                dot_2 += queries[row, x] * outputs[two, x]
                dot_3 += queries[row, x] * outputs[three, x]
            gradient_1 = _gradient(dot_1, label, alpha, sigmoid)
            gradient_2 = _gradient(dot_2, np.float32(0), alpha, sigmoid)
            gradient_3 = _gradient(dot_3, np.float32(0), alpha, sigmoid)
            for x in range(len(work)):
                before_1, before_2, before_3 = outputs[one, x], outputs[two, x], outputs[three, x]
                outputs[one, x] = before_1 + gradient_1 * queries[row, x]
                outputs[two, x] = before_2 + gradient_2 * queries[row, x]
                outputs[three, x] = before_3 + gradient_3 * queries[row, x]
                work[x] += gradient_1 * before_1 + gradient_2 * before_2 + gradient_3 * before_3
            at += 3
        else:
            dot = np.float32(0)
            for x in range(len(work)):
                dot += queries[row, x] * outputs[one, x]
            gradient = _gradient(dot, label, alpha, sigmoid)
            for x in range(len(work)):
                before = outputs[one, x]
                outputs[one, x] = before + gradient * queries[row, x]
                work[x] += gradient * before
            at += 1


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
    work: np.ndarray,
    alpha: np.float32,
    sigmoid: np.ndarray,
) -> None:
    """Each track of the ``context``, but the one at ``skipped``, asks for those ``drawn``; ``work`` is and stays 0."""
    for place in range(len(context)):
        if place != skipped:
            word = context[place]
            _learn(inputs, word, drawn, outputs, work, alpha, sigmoid)
            for x in range(len(work)):
                inputs[word, x] += work[x]
                work[x] = 0


@compiled_in_any_order
def _train_cbow(
    context: np.ndarray,
    skipped: int,
    drawn: np.ndarray,
    inputs: np.ndarray,
    outputs: np.ndarray,
    mean: np.ndarray,
    work: np.ndarray,
    alpha: np.float32,
    sigmoid: np.ndarray,
) -> None:
    """The ``mean`` (1, d) of the ``context``, without the track at ``skipped``, asks for those ``drawn``."""
    mean[:] = 0
    for place in range(len(context)):
        if place != skipped:
            word = context[place]
            for x in range(len(work)):
                mean[0, x] += inputs[word, x]
    for x in range(len(work)):
        mean[0, x] /= np.float32(len(context) - 1)
    _learn(mean, 0, drawn, outputs, work, alpha, sigmoid)
    # Each moves by the whole of it, as in gensim; a share of it took 8 points of hit rate.
    for place in range(len(context)):
        if place != skipped:
            word = context[place]
            for x in range(len(work)):
                inputs[word, x] += work[x]
    work[:] = 0


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
    mean, work = np.empty((1, inputs.shape[1]), np.float32), np.zeros(inputs.shape[1], np.float32)
    for sequence in range(first, last):
        state = _seeded(seed, epoch, sequence)
        count, state = _keep(words[offsets[sequence] : offsets[sequence + 1]], keep, kept, state)
        done = np.float64(epoch) * np.float64(len(words)) + np.float64(offsets[sequence])
        alpha = np.float32(alphas[0] - alphas[1] * done)
        for centre in range(count):
            if stop[0] != 0:
                return
            state = _next(state)
            reach = 1 + np.int64(_share(state) * window)
            low, high = max(0, centre - reach), min(count, centre + reach + 1)
            if high - low < 2:
                continue
            number, state = _draw_noise(state, noise[0], noise[1], kept[centre], drawn)
            context, asked = kept[low:high], drawn[:number]
            if skip_gram:
                _train_skip_gram(context, centre - low, asked, inputs, outputs, work, alpha, sigmoid)
            else:
                _train_cbow(context, centre - low, asked, inputs, outputs, mean, work, alpha, sigmoid)
