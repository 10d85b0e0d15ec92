"""Files that lie about sizes are refused before a library believes them."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tests.core.slides.tiff_map import read_map
from tests.slide_fixtures import texture, write_pyramid

from napari_lookalike.core.errors import UnreadableSlide
from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.dicom_guard import check_dicom
from napari_lookalike.core.slides.guard import check_tiff
from napari_lookalike.core.slides.source import CannotRead

PIXELS = texture(600, 400)


@pytest.fixture(params=["<", ">", "big"])
def slide(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Two pages of tiles, in each of the three ways to write a TIFF."""
    path = tmp_path / "slide.tif"
    big = request.param == "big"
    with tifffile.TiffWriter(path, bigtiff=big, byteorder="<" if big else request.param) as writer:
        for pixels in (PIXELS, PIXELS[::2, ::2]):
            writer.write(pixels, tile=(256, 256), photometric="rgb", metadata=None)
    return path


def overwrite(path: Path, page: int, tag: str, value: int, element: int = 0) -> None:
    """Change a value of a tag."""
    with tifffile.TiffFile(path) as tif:
        found = tif.pages[page].tags[tag]
        kind = {1: "B", 3: "H", 4: "I", 16: "Q"}[found.dtype]
        packed = struct.pack(tif.byteorder + kind, value)
        place = found.valueoffset + element * len(packed)
    with path.open("r+b") as file:
        file.seek(place)
        file.write(packed)


def test_sound_files_pass(slide: Path, aperio_slide: Path, tmp_path: Path) -> None:
    for path in (slide, aperio_slide):
        check_tiff(path, strips=True)
        check_dicom(path)
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("II no TIFF at all")
    for path in (tmp_path, tmp_path / "empty", tmp_path / "text", tmp_path / "nowhere"):
        check_tiff(path)
        check_dicom(path)


@pytest.mark.parametrize("page", [0, 1])
@pytest.mark.parametrize(
    ("tag", "value", "reason"),
    [
        ("TileByteCounts", 3_000_000_000, "more bytes than the file has"),
        ("TileWidth", 0, "no size"),
        ("TileLength", 65535, "too large to decode"),
        ("ImageWidth", 60000, "tiles, but its size needs"),
    ],
)
def test_what_a_directory_cannot_mean(
    slide: Path, page: int, tag: str, value: int, reason: str
) -> None:
    if tag == "TileLength":
        overwrite(slide, page, "TileWidth", 65535)
    overwrite(slide, page, tag, value, element=int(tag == "TileByteCounts"))
    with pytest.raises(CannotRead, match=reason):
        check_tiff(slide)
    with pytest.raises(UnreadableSlide, match=reason):
        open_slide(slide)


def test_one_tile_that_claims_too_little_or_lies_elsewhere_leaves_the_rest(slide: Path) -> None:
    overwrite(slide, 0, "TileOffsets", slide.stat().st_size + 1000, element=5)
    check_tiff(slide, strips=True)


def test_a_file_that_was_cut_off_is_left_to_the_reader(tmp_path: Path) -> None:
    whole = write_pyramid(tmp_path / "slide.tif", [texture(1500, 1200)])
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) - 2000])
    check_tiff(whole, strips=True)


def test_a_directory_that_points_to_itself_ends(slide: Path) -> None:
    data = bytearray(slide.read_bytes())
    with tifffile.TiffFile(slide) as tif:
        first, order, big = tif.pages.first.offset, tif.byteorder, tif.is_bigtiff
    count = struct.unpack_from(order + ("Q" if big else "H"), data, first)[0]
    after = first + (8 + 20 * count if big else 2 + 12 * count)
    struct.pack_into(order + ("Q" if big else "I"), data, after, first)
    slide.write_bytes(data)
    check_tiff(slide)


def test_strips_are_held_as_a_whole_by_openslide_only(tmp_path: Path) -> None:
    path = tmp_path / "strips.tif"
    tall = np.zeros((6000, 100, 3), np.uint8)
    tifffile.imwrite(path, tall, photometric="rgb", rowsperstrip=6000)
    overwrite(path, 0, "ImageWidth", 60000)
    check_tiff(path)
    with pytest.raises(CannotRead, match="not in tiles"):
        check_tiff(path, strips=True)
    overwrite(path, 0, "RowsPerStrip", 0)
    with pytest.raises(CannotRead, match="strips have no size"):
        check_tiff(path)
    overwrite(path, 0, "RowsPerStrip", 1)
    with pytest.raises(CannotRead, match="strips, but its size needs 6000"):
        check_tiff(path)


def test_ndpi_has_one_strip_per_level_and_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "slide.ndpi"
    ndpi = [(65420, 4, 1, 1, False)]
    tall = np.zeros((6000, 100, 3), np.uint8)
    tifffile.imwrite(path, tall, photometric="rgb", rowsperstrip=6000, extratags=ndpi)
    overwrite_by_number(path, 256, 60000)
    check_tiff(path, strips=True)
    tifffile.imwrite(path, PIXELS, tile=(256, 256), photometric="rgb", extratags=ndpi)
    overwrite_by_number(path, 325, 3_000_000_000)
    with pytest.raises(CannotRead, match="more bytes"):  # the tag alone is no excuse
        check_tiff(path)


def overwrite_by_number(path: Path, tag: int, value: int) -> None:
    """As `overwrite`, without tifffile, which reads NDPI in another way."""
    data = bytearray(path.read_bytes())
    found = read_map(bytes(data))
    assert found is not None
    entry = next(e for e in found.entries if e.tag == tag)
    data[entry.place : entry.place + entry.width] = value.to_bytes(entry.width, entry.order)
    path.write_bytes(data)


def test_a_damaged_statement_of_scale_states_nothing(tmp_path: Path) -> None:
    path = tmp_path / "slide.tif"
    tifffile.imwrite(path, PIXELS[..., 0].astype(np.uint16), resolution=(20000, 20000))
    data = bytearray(path.read_bytes())
    found = read_map(bytes(data))
    assert found is not None
    entry = next(e for e in found.entries if e.tag == 296)
    at, width = entry.part("type")
    data[at : at + width] = (1).to_bytes(width, "little")  # bytes instead of a number
    path.write_bytes(data)
    with open_slide(path) as slide:
        assert not slide.scale.known
        assert slide.read_level(0, 0, 0, 10, 10).shape == (10, 10, 3)


def element(tag: tuple[int, int], kind: bytes, value: bytes, length: int | None = None) -> bytes:
    """A DICOM element, with its true length or another."""
    length = len(value) if length is None else length
    head = struct.pack("<HH", *tag)
    if kind in (b"SQ", b"OB", b"UN"):
        return head + kind + struct.pack("<HI", 0, length) + value
    return head + kind + struct.pack("<H", length) + value


def item(value: bytes, length: int | None = None) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(value) if length is None else length) + value


OPEN = 0xFFFFFFFF
END_ITEM = struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
INNER = element((0x28, 0x10), b"US", b"\1\0")
SYNTAX = element((2, 0x10), b"UI", b"1.2.840.10008.1.2.4.50\0\0")
SOUND = (
    SYNTAX
    + element((0x40, 1), b"SQ", item(INNER) + item(INNER))
    + element((0x40, 2), b"SQ", item(INNER + END_ITEM, OPEN) + END, OPEN)
    + element((0x40, 3), b"SQ", b"")
    + element((0x7FE0, 0x10), b"OB", item(b"") + item(b"\xfe\xff\0\xe0 pixels!") + END, OPEN)
)


def dicom(folder: Path, body: bytes) -> Path:
    path = folder / "slide.dcm"
    path.write_bytes(b"\0" * 128 + b"DICM" + body)
    return path


def test_a_sound_dicom_passes(tmp_path: Path) -> None:
    check_dicom(dicom(tmp_path, SOUND))
    check_dicom(dicom(tmp_path, SOUND[:-30]))  # cut off: the reader says so
    implicit = element((2, 0x10), b"UI", b"1.2.840.10008.1.2\0")
    check_dicom(dicom(tmp_path, implicit + struct.pack("<HHI", 0x28, 0x10, 2) + b"\1\0"))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (element((0x28, 2), b"OB", b"", 3_000_000_000), "more bytes"),
        (element((0x40, 1), b"SQ", item(element((0x28, 2), b"UN", b"", 1 << 30))), "more bytes"),
        (element((0x7FE0, 0x10), b"OB", item(b"", 0xFFFFFFF0), OPEN), "more bytes"),
        (element((0x40, 1), b"SQ", item(INNER), 0), "where they should be"),
        (element((0x28, 2), b"??", b"12"), "where they should be"),
        (element((0x40, 1), b"SQ", INNER), "where they should be"),
    ],
)
def test_elements_that_lie(tmp_path: Path, body: bytes, reason: str) -> None:
    with pytest.raises(CannotRead, match=reason):
        check_dicom(dicom(tmp_path, SYNTAX + body))
