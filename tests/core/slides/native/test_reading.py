from __future__ import annotations

import errno
import gc
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from napari_lookalike.core.slides.native import reading
from napari_lookalike.core.slides.native.reading import PositionalFile
from napari_lookalike.core.slides.source import CannotRead

CONTENT = bytes(range(256)) * 40


@pytest.fixture(params=["pread", "seek"])
def file(request, tmp_path, monkeypatch):
    if request.param == "seek":  # as on Windows
        monkeypatch.setattr(reading, "_pread", None)
    path = tmp_path / "patient.bin"
    path.write_bytes(CONTENT)
    return PositionalFile(path)


def test_threads_read_what_they_asked_for(file):
    def right(start):
        return file.read(start, 100) == CONTENT[start : start + 100]

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(right, range(0, 10000, 7)))


def test_beyond_the_end(file):
    assert file.read(len(CONTENT) - 1, 1) == CONTENT[-1:]
    for offset, count in [(len(CONTENT), 1), (0, len(CONTENT) + 1), (1 << 62, 1 << 62)]:
        with pytest.raises(CannotRead, match="cut off"):
            file.read(offset, count)


def test_a_file_that_was_cut_since(file):
    os.truncate(file.path, 1000)
    assert file.read(900, 100) == CONTENT[900:1000]
    with pytest.raises(CannotRead, match="cut off"):
        file.read(950, 100)


def test_short_reads_are_continued(file, monkeypatch):
    part = PositionalFile._part
    monkeypatch.setattr(PositionalFile, "_part", lambda s, at, n: part(s, at, min(n, 7)))
    assert file.read(3, 500) == CONTENT[3:503]


def test_a_disk_that_fails_is_named_without_the_file(file, monkeypatch):
    def fail(*_):
        raise OSError(5, "Input/output error", str(file.path))

    monkeypatch.setattr(PositionalFile, "_part", fail)
    with pytest.raises(CannotRead) as caught:
        file.read(0, 10)
    assert str(caught.value) == "Input/output error"


def test_what_cannot_be_opened(tmp_path):
    with pytest.raises(CannotRead) as caught:
        PositionalFile(tmp_path / "patient.bin")
    assert "patient" not in str(caught.value)


def test_it_is_closed_with_its_last_user(tmp_path):
    (tmp_path / "a").write_bytes(CONTENT)
    file = PositionalFile(tmp_path / "a")
    descriptor = file._descriptor
    of = os.fstat(descriptor)
    del file
    gc.collect()
    try:  # its number may be another file's by now
        assert os.fstat(descriptor).st_ino != of.st_ino
    except OSError as error:
        assert error.errno == errno.EBADF
