"""Rejects in words: the note on a few of them, and the error where they are too many."""

from collections.abc import Sequence

from rec_assets.core.base.errors import SourceError
from rec_assets.core.base.relations import fetch_row
from rec_assets.core.playlists.readers.files import name_files
from rec_assets.core.playlists.readers.lines import NOT_UTF8
from rec_assets.core.playlists.readers.staging import StagedPlaylists

Reasons = Sequence[tuple[str, int, str, int]]


def rejects_note(staged: StagedPlaylists, kept_in: str = "") -> str:
    """How many rows of ``staged``, which has rejects, are left out; ``kept_in`` a file, or nowhere and so with why."""
    reasons = staged.commonest_reasons()
    kept = f"kept with their reasons in {kept_in}" if kept_in else f"and left out: {_listed(reasons)}"
    total = staged.reject_count + staged.row_count
    return f"{staged.reject_count:,} of {total:,} rows are rejects, {kept}{_dialect_advice(staged, reasons)}"


def is_refused(staged: StagedPlaylists, max_reject_share: float) -> bool:
    """Whether more than ``max_reject_share`` of the rows are rejects, or all."""
    return staged.reject_share > max_reject_share or staged.row_count == 0


def refusal(staged: StagedPlaylists, max_reject_share: float, kept_in: str = "") -> SourceError:
    """The error for too many rejects, which are ``kept_in`` a file; without one they were rows of a table."""
    reasons = staged.commonest_reasons()
    encoding = ", that is, save it in UTF-8" if any(reason == NOT_UTF8 for reason, *_ in reasons) else ""
    expected, raise_it = f"at most {max_reject_share:.2%} (max_reject_share)", "; or raise max_reject_share"
    if staged.row_count == 0:
        expected, raise_it = "some that can", ""
    whole = f" All of them, with line number and text, are in {kept_in}." if kept_in else ""
    remedy = f"Correct the file{encoding}; set `format` or `columns`" if kept_in else "Correct the rows; set `columns`"
    return SourceError(
        f"{staged.reject_count:,} of {staged.reject_count + staged.row_count:,} rows of {name_files(staged.files)} "
        f"cannot be used ({staged.reject_share:.2%}); expected {expected}. {_listed(reasons)}.{whole} {remedy} if they "
        f"were taken wrongly{_dialect_advice(staged, reasons)}{raise_it}."
    )


def _listed(reasons: Reasons) -> str:
    return "; ".join(f"{lines:,} x {reason} (first: {file} line {line})" for reason, lines, file, line in reasons)


def _dialect_advice(staged: StagedPlaylists, reasons: Reasons) -> str:
    """What to set where the rejects are lines of the public file's dialect under another header."""
    if not reasons or not all("quote inside a field" in reason for reason, *_ in reasons):
        return ""
    is_dialect = """bool_and(text[1] = '"' AND text[-1] = '"' AND contains(text, '","'))"""
    if not fetch_row(staged.rejects.aggregate(is_dialect))[0]:
        return ""
    return "; their quotes are as in the public playlists file: set `format: unescaped_csv`"
