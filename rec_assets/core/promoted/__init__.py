"""The model that readers use: one immutable file per version, mapped into memory; and the gate before it."""

from rec_assets.core.promoted.gate import Bounds, Comparison, Decision, decide
from rec_assets.core.promoted.model import PromotedModel, load_facts, load_promoted, save_promoted
from rec_assets.core.promoted.recommendations import Because, Recommendation, recommend_after

__all__ = [
    "Because",
    "Bounds",
    "Comparison",
    "Decision",
    "PromotedModel",
    "Recommendation",
    "decide",
    "load_facts",
    "load_promoted",
    "recommend_after",
    "save_promoted",
]
