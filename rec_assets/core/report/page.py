"""From content to a page, by the template ``report.html.j2``."""

import base64
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from rec_assets.core.report.content import ReportContent
from rec_assets.core.report.texts import exact_text_of, interval_of, is_number_column, text_of


@dataclass(frozen=True)
class HtmlPage:
    """A whole page as text: the type by which the store knows it."""

    html: str


def build_report(content: ReportContent) -> str:
    """One HTML page with styles and pictures inside, that loads nothing from anywhere; to be stored as UTF-8.

    Its security policy forbids scripts and the network, whatever stands in a name. There is no time in it: the
    same content gives the same text.

    Args:
        content: plain texts of any characters; what UTF-8 cannot hold (half a surrogate pair) becomes "?".
    """
    return _template().render(content=content).encode("utf-8", "replace").decode("utf-8")


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("rec_assets.core.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"text": text_of, "exact": exact_text_of, "interval": interval_of, "data_uri": _data_uri}
    environment.tests["number_column_of"] = lambda place, table: is_number_column(table, place)
    return environment.get_template("report.html.j2")


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
