"""The model that readers use: one immutable file per version, mapped into memory; and the gate before it."""

from rec_assets.core.promoted.gate import Comparison, Decision, GateSettings, decide
from rec_assets.core.promoted.model import PromotedModel, open_promoted, read_facts, save_promoted
from rec_assets.core.promoted.recommendations import Because, Recommendation, recommend_after

__all__ = [
    "Because",
    "Comparison",
    "Decision",
    "GateSettings",
    "PromotedModel",
    "Recommendation",
    "decide",
    "open_promoted",
    "read_facts",
    "recommend_after",
    "save_promoted",
]
