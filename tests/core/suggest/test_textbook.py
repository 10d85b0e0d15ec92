"""The starter table is sound, labels find their tumours, and a project's copy is used."""

from __future__ import annotations

import pytest

from napari_lookalike.core.errors import ManifestError
from napari_lookalike.core.suggest.textbook import (
    CONFIRM,
    FILE_NAME,
    _kinds,
    _names,
    names_of,
    read_textbook,
    simple,
    write_project_textbook,
)
from napari_lookalike.core.synth.subtypes import SUBTYPES


def test_every_pair_that_ships_is_whole_and_known():
    book = read_textbook()
    assert book.problems == ()
    assert len(book.entries) >= 40
    names = set(_names().values())
    for entry in book.entries:
        assert entry.why, entry
        assert entry.test, entry
        assert entry.source, entry
        assert simple(entry.a) in names, entry.a
        assert simple(entry.b) in names, entry.b
        assert entry.a != entry.b
        assert entry.standing == CONFIRM  # nobody has confirmed any of it
    pairs = [frozenset((e.a, e.b)) for e in book.entries]
    assert len(set(pairs)) == len(pairs)


def test_kinds_lead_to_names_and_never_round():
    for start in _kinds():
        seen, at = set(), start
        while at:
            assert at not in seen
            assert at in _kinds()
            seen.add(at)
            at = _kinds()[at]


@pytest.mark.parametrize(
    ("label", "tumour"),
    [
        ("AT/RT-like", "at rt"),
        ("ATRT", "at rt"),
        ("Atypical teratoid/rhabdoid tumor", "at rt"),
        ("medulloblastoma-like", "medulloblastoma"),
        ("Medulloblastoma, WNT-activated", "medulloblastoma"),  # a kind of it
        ("MB_SHH", "medulloblastoma shh"),
        ("DNET", "dysembryoplastic neuroepithelial tumour"),
        ("DMG H3 K27-altered", "high grade glioma"),
    ],
)
def test_labels_find_their_tumour(label, tumour):
    assert tumour in names_of(label)


@pytest.mark.parametrize(
    ("label", "not_tumour"),
    [
        ("desmoplastic infantile ganglioglioma", "ganglioglioma"),
        ("epithelioid glioblastoma", "pilocytic astrocytoma"),
        ("pa-like thing nobody knows: spa", "medulloblastoma"),
        ("meningioma", "glioblastoma"),
    ],
)
def test_labels_do_not_find_others(label, not_tumour):
    assert not_tumour not in names_of(label)


def test_the_pairs_planted_in_the_demo_are_textbook_pairs():
    found = {(h.a, h.b): h for h in read_textbook().hints(sorted(s.name for s in SUBTYPES))}
    atrt = found["AT/RT-like", "medulloblastoma-like"]
    assert "INI1" in atrt.test
    assert CONFIRM in atrt.text
    assert atrt.strength == atrt.value == 1.0
    assert ("ganglioglioma-like", "pilocytic astrocytoma-like") in found


def test_the_stronger_of_two_entries_counts():
    hints = read_textbook().hints(["AT/RT", "choroid plexus carcinoma"])
    assert [h.strength for h in hints] == [0.7]  # not 0.5 of choroid plexus tumours at large


def test_a_project_has_its_own_copy(tmp_path):
    path = write_project_textbook(tmp_path)
    assert path.name == FILE_NAME
    assert read_textbook(tmp_path).own
    assert read_textbook(tmp_path).entries == read_textbook().entries
    path.write_text(
        "subtype_a,subtype_b,why,test,strength,source,confirmed_by\n"
        "type 1,type 2,both round,LIN28A,0.5,,Dr N\n"
    )
    write_project_textbook(tmp_path)  # leaves it as it is
    [hint] = read_textbook(tmp_path).hints(["type 1", "type 2", "other"])
    assert hint.text == "both round (confirmed by Dr N)."
    assert hint.test == "LIN28A"


def test_what_a_spreadsheet_writes_is_read(tmp_path):
    (tmp_path / FILE_NAME).write_bytes(
        "\ufeffsubtype_a;subtype_b;why;test;strength;source;confirmed_by\r\n"
        "one;two;a, b;X;0,5;;\r\n;;;;;;\r\n".encode()
    )
    book = read_textbook(tmp_path)
    assert book.problems == ()
    assert [(e.a, e.why, e.strength) for e in book.entries] == [("one", "a, b", 0.5)]


def test_wrong_rows_are_named_and_the_others_count(tmp_path):
    (tmp_path / FILE_NAME).write_text(
        "subtype_a,subtype_b,why,test,strength\na,b,w,t,0.5\na,,w,t,0.5\na,b,w,t,often\na,b,w,t,2\n"
    )
    book = read_textbook(tmp_path)
    assert len(book.entries) == 1
    assert [line for line, _ in book.problems] == [3, 4, 5]
    assert "no number" in book.problems[1][1]


def test_a_copy_without_a_column_or_of_bytes_is_refused(tmp_path):
    (tmp_path / FILE_NAME).write_text("subtype_a,subtype_b,why,test\n")
    with pytest.raises(ManifestError, match="lacks the column strength"):
        read_textbook(tmp_path)
    (tmp_path / FILE_NAME).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ManifestError, match="cannot be read"):
        read_textbook(tmp_path)
