"""Candidate to promoted model, past a gate; and what the promoted model recommends to every playlist."""
