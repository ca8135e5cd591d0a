"""A report as one HTML page that opens without a network: what is in it, and how it is written."""

from rec_assets.core.report.assessment import Assessment, assess
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
from rec_assets.core.report.page import HtmlPage, build_report

__all__ = [
    "Assessment",
    "Cell",
    "Column",
    "Definitions",
    "Estimate",
    "Example",
    "Examples",
    "HtmlPage",
    "Note",
    "Picture",
    "ReportContent",
    "Section",
    "Table",
    "assess",
    "build_report",
]
