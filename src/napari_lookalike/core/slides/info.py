"""What a slide is, as one plain object."""

from __future__ import annotations

from typing import Any

from napari_lookalike.core.slides.base import Slide

DECODER = "lookalike.decoder"
"""Property that says who decodes a slide's tiles."""


def slide_info(slide: Slide) -> dict[str, Any]:
    """Facts about a slide, ready for JSON. Decodes one tile of each level in the file.

    Names no file, and of the associated images only the names: they can identify a
    patient.

    Returns
    -------
    dict
        ``mpp`` (µm per level-0 pixel, mean of both axes, or None), ``mpp_xy`` ([x, y] or
        None), ``mpp_source``, ``mpp_raw`` (what the file says), ``mpp_reason`` (why it is
        not used), ``size`` ([width, height]), ``levels``, ``vendor``, ``backend``, ``decoder``
        (who decodes its tiles, and why if it is OpenSlide), ``fingerprint``,
        ``associated``, ``notes``.

    Raises
    ------
    RegionError
        If a tile cannot be decoded.
    """
    for index, level in enumerate(slide.levels):
        if not level.synthetic:  # those have no tiles in the file
            _decode_tiles(slide, index)
    scale = slide.scale
    about = slide.properties()
    decoder = about.get(DECODER, slide.backend)
    notes = [t for key, t in about.items() if key.startswith("lookalike.") and key != DECODER]
    return {
        "mpp": scale.mpp,
        "mpp_xy": [scale.mpp_x, scale.mpp_y] if scale.known else None,
        "mpp_source": scale.source,
        "mpp_raw": scale.raw,
        "mpp_reason": scale.reason,
        "size": list(slide.size),
        "levels": [
            {
                "width": level.width,
                "height": level.height,
                "downsample_xy": [level.downsample_x, level.downsample_y],
                "synthetic": level.synthetic,
            }
            for level in slide.levels
        ],
        "vendor": slide.vendor,
        "backend": slide.backend,
        "decoder": decoder,
        "fingerprint": slide.fingerprint,
        "associated": list(slide.associated_names()),
        "notes": notes,
    }


def _decode_tiles(slide: Slide, index: int) -> None:
    """Read the tile in the middle of a level (the corner is often empty glass), and the last.

    A file that was cut off, by an interrupted copy say, has lost its last tiles.
    """
    level = slide.levels[index]
    width, height = (
        min(level.tile_width, level.width, 1024),
        min(level.tile_height, level.height, 1024),
    )
    column, row = level.width // 2 // width, level.height // 2 // height
    slide.read_level(index, column * width, row * height, width, height)
    x, y = (level.width - 1) // width * width, (level.height - 1) // height * height
    slide.read_level(index, x, y, level.width - x, level.height - y)
