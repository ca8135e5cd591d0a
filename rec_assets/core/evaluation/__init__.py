"""Held-out targets to ranks, ranks to hit rates and their intervals, strategies held against each other."""
