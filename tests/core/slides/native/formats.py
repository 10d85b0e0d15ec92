"""Files like those of Philips, Akoya and Ventana, as far as readers can tell."""

from __future__ import annotations

from pathlib import Path

import tifffile
from tests.core.slides.native.writing import halve, noisy, pyramid, write_jpeg

_PHILIPS = """<?xml version="1.0" encoding="UTF-8" ?>
<DataObject ObjectType="DPUfsImport"><Attribute Name="PIM_DP_SCANNED_IMAGES" Group="0x301D" \
Element="0x1003" PMSVR="IDataObjectArray"><Array><DataObject ObjectType="DPScannedImage">\
<Attribute Name="PIM_DP_IMAGE_TYPE" Group="0x301D" Element="0x1004" PMSVR="IString">WSI</Attribute>\
<Attribute Name="PIIM_PIXEL_DATA_REPRESENTATION_SEQUENCE" Group="0x1001" Element="0x8B01" \
PMSVR="IDataObjectArray"><Array>{levels}</Array></Attribute></DataObject></Array></Attribute>\
</DataObject>"""
_PHILIPS_LEVEL = """<DataObject ObjectType="PixelDataRepresentation">\
<Attribute Name="DICOM_PIXEL_SPACING" Group="0x0028" Element="0x0030" PMSVR="IDoubleArray">\
"{mm:.6f}" "{mm:.6f}"</Attribute></DataObject>"""


def write_philips(path: Path) -> Path:
    """Coarse levels are padded to whole tiles, and a tile is missing."""
    levels = [noisy(1280, 896)]
    levels += [halve(levels[0]), halve(halve(levels[0]))]
    spacings = "".join(_PHILIPS_LEVEL.format(mm=0.00025 * 2**i) for i in range(3))
    return write_jpeg(
        path, levels, padded=True, software="Philips DP v1.0", missing=frozenset({2}),
        description=_PHILIPS.format(levels=spacings),
    )  # fmt: skip


def write_qptiff(path: Path) -> Path:
    """A brightfield QPTIFF: a thumbnail between the levels."""
    levels = pyramid()
    text = (
        '<?xml version="1.0" encoding="utf-16"?><PerkinElmer-QPI-ImageDescription>'
        "<ImageType>{}</ImageType></PerkinElmer-QPI-ImageDescription>"
    )
    with tifffile.TiffWriter(path) as writer:
        for i, pixels in enumerate(levels):
            writer.write(
                pixels, tile=(128, 128), compression="jpeg", photometric="rgb", metadata=None,
                description=text.format("ReducedResolution" if i else "FullResolution"),
                software="PerkinElmer-QPI", subfiletype=int(i > 0),
            )  # fmt: skip
            if i == 0:
                writer.write(
                    pixels[::8, ::8], compression="lzw", photometric="rgb", subfiletype=1,
                    description=text.format("Thumbnail"), metadata=None,
                )  # fmt: skip
    return path


def write_bif(path: Path, overlap: int) -> Path:
    """Ventana BIF, its tiles of level 0 overlapping by so many pixels."""
    levels = [noisy(1024, 768)]
    levels.append(halve(levels[0]))
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        writer.write(
            levels[0][::8, ::8], photometric="rgb", description="Label Image", metadata=None,
            extratags=[_xmp('<Metadata><iScan ScanRes="0.25" Magnification="40"/></Metadata>')],
        )  # fmt: skip
        for i, pixels in enumerate(levels):
            writer.write(
                pixels, tile=(128, 128), compression="jpeg", photometric="rgb", metadata=None,
                description=f"level={i} mag={40 / 2**i:g} quality=90", subfiletype=int(i > 0),
                extratags=[] if i else [_xmp(_stitching(8, 6, overlap))],
            )  # fmt: skip
    return path


def _xmp(text: str) -> tuple[int, int, None, bytes, bool]:
    return 700, 1, None, f'<?xml version="1.0"?>{text}'.encode(), False


def _stitching(columns: int, rows: int, overlap: int) -> str:
    """How tiles join; they are numbered from below, every other row backwards."""

    def number(column: int, row: int) -> int:
        above = rows - 1 - row
        return above * columns + (column if above % 2 == 0 else columns - 1 - column) + 1

    joint = (
        '<TileJointInfo FlagJoined="1" Confidence="100" Direction="{}" Tile1="{}" Tile2="{}"'
        ' OverlapX="{}" OverlapY="{}"/>'
    )
    joints = [
        joint.format("RIGHT", number(c, r), number(c + 1, r), overlap, 0)
        for r in range(rows)
        for c in range(columns - 1)
    ]
    joints += [
        joint.format("UP", number(c, r + 1), number(c, r), 0, overlap)
        for r in range(rows - 1)
        for c in range(columns)
    ]
    area = f'NumRows="{rows}" NumCols="{columns}" Pos-X="0" Pos-Y="0"'
    return (
        '<EncodeInfo Ver="2"><SlideInfo><iScan ScanRes="0.25" Magnification="40"/></SlideInfo>'
        f'<SlideStitchInfo><ImageInfo AOIScanned="1" AOIIndex="0" Width="128" Height="128" {area}>'
        f"{''.join(joints)}</ImageInfo></SlideStitchInfo>"
        '<AoiOrigin><AOI0 OriginX="0" OriginY="0"/></AoiOrigin></EncodeInfo>'
    )


def write_ome(path: Path, width: int = 1100) -> Path:
    """OME-TIFF with its coarse levels as SubIFDs."""
    levels = pyramid(width, 800)
    with tifffile.TiffWriter(path, ome=True) as writer:
        for i, pixels in enumerate(levels):
            extra = (
                {"subfiletype": 1, "metadata": None}
                if i
                else {"subifds": 2, "metadata": {"axes": "YXS", "PhysicalSizeX": 0.25,
                                                 "PhysicalSizeY": 0.25}}
            )  # fmt: skip
            writer.write(pixels, tile=(128, 128), compression="jpeg", photometric="rgb", **extra)
    return path
