"""The words of a search in the list of cases: anywhere in a row, or in one column. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_lookalike.session.case_rows import CaseRow

_NOT_WORD = re.compile(r"[\W_]+")


def text_of(row: CaseRow) -> str:
    """What a search looks through: what the row shows, the same in plain words, its columns."""
    shown = (row.patient, row.slide_id, row.label, row.site, row.prediction, row.verdict)
    text = " ".join((*shown, row.state, row.seen, row.review)).casefold()
    columns = (
        ("centre", row.site),
        ("site", row.site),
        ("subtype", row.label),
        ("label", row.label),
        ("prediction", row.prediction),
        ("state", row.state),
        *row.columns,
    )
    cells = "".join(f"\n{_name(name)}\t {value.casefold()}" for name, value in columns if value)
    return f"{text}\n {_NOT_WORD.sub(' ', text)}{cells}\n"


def finder(word: str, texts: Iterable[str]) -> Callable[[str], bool]:
    """Whether a text (`text_of`) has a word of a search.

    Parameters
    ----------
    word
        In lower case. "centre:basel" is looked for in that column only, at the beginning of a
        word; "grade:2" is no 20. Without a column of that name it is a word like others.
    texts
        Of all rows, to know which columns there are.
    """
    name, colon, value = word.partition(":")
    if colon and name and any(f"\n{_name(name)}\t" in text for text in texts):
        number = r"(?![\d.,])" if value[-1:].isdigit() else ""
        begins = r"(?<![^\W_])" if value[:1].isalnum() else ""
        pattern = rf"\n{re.escape(_name(name))}\t [^\n]*{begins}{re.escape(value)}{number}"
        searched = re.compile(pattern).search
        return lambda text: searched(text) is not None
    # Letters are looked for anywhere ("blastoma"), but "12" must begin a number or a name:
    # whoever types "patient 12" does not mean the slide S0312.
    wanted = f" {word}" if word[0].isdigit() else word
    return lambda text: wanted in text


def hits(texts: Sequence[str], words: Iterable[str]) -> set[int]:
    """Numbers of the texts that have every word."""
    found: Iterable[int] = range(len(texts))
    for word in words:
        has = finder(word, texts)
        found = [i for i in found if has(texts[i])]
    return set(found)


def _name(name: str) -> str:
    """A column's name, the same of "Age group" and "age_group"; in capitals, as no word is.

    So "tat" does not find every row that has a state.
    """
    return _NOT_WORD.sub("", name).upper()
