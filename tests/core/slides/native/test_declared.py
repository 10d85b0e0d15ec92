from __future__ import annotations

import imagecodecs
import pytest
from tests.core.slides.native.writing import grey_jpeg, jpeg, noisy

from napari_lookalike.core.slides.native.declared import check_declared, declared
from napari_lookalike.core.slides.source import CannotRead

PIXELS = noisy(64, 48)


def test_what_headers_say():
    size = 64 * 48
    assert declared(jpeg(PIXELS)) == (size, 3)
    assert declared(grey_jpeg(PIXELS[..., 0])) == (size, 1)
    assert declared(imagecodecs.jpeg2k_encode(PIXELS, codecformat="j2k")) == (size, 3)
    assert declared(imagecodecs.png_encode(PIXELS))[0] == size
    for other in (b"", b"\xff\xd8", b"\xff\x4f\xff\x51", b"\x89PNG\r\n\x1a\n", bytes(100)):
        assert declared(other) == (0, 0)


def test_a_lie_is_refused():
    data = bytearray(imagecodecs.png_encode(PIXELS))
    check_declared(bytes(data), 64 * 48)
    data[16:24] = (40000).to_bytes(4) * 2
    with pytest.raises(CannotRead, match="another size"):
        check_declared(bytes(data), 64 * 48)
    with pytest.raises(CannotRead, match="another size"):  # whatever the page says
        check_declared(bytes(data), 1 << 40)
