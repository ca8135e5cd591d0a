"""A report as one HTML page that opens without a network: what is in it, and how it is written."""

from rec_assets.core.report.content import (
    Cell,
    Column,
    Definitions,
    Estimate,
    Example,
    Examples,
    Note,
    Picture,
    ReportContent,
    Section,
    Table,
)
from rec_assets.core.report.page import build_report

__all__ = [
    "Cell",
    "Column",
    "Definitions",
    "Estimate",
    "Example",
    "Examples",
    "Note",
    "Picture",
    "ReportContent",
    "Section",
    "Table",
    "build_report",
]
