"""Held-out tracks to ranks, ranks to hit rates."""
