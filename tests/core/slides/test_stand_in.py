from __future__ import annotations

import numpy as np

from napari_lookalike.core.slides.base import Level
from napari_lookalike.core.slides.stand_in import stand_in
from napari_lookalike.core.slides.view_levels import view_levels

VIEWS = view_levels((Level(1001, 777, 1, 1), Level(250, 194, 1001 / 250, 777 / 194)))


def gradient(view):
    """A level that shows where on the slide its pixels lie: (x, y) / size * 250."""
    xs, ys = np.arange(view.width) + 0.5, np.arange(view.height) + 0.5
    image = np.zeros((view.height, view.width, 3))
    image[..., 0] = xs / view.width * 250
    image[..., 1] = ys[:, None] / view.height * 250
    return image.astype(np.uint8)


def cut(index):
    image = gradient(VIEWS[index])

    def get(place):
        if place[0] != index:
            return None
        x, y, width, height = VIEWS[index].box(*place[1:])
        return image[y : y + height, x : x + width]

    return get


def test_the_same_place_is_shown():
    for index in (1, 2):
        for place in ((0, 0, 0), (0, 1, 2), (0, 3, 3)):
            x, y, width, height = VIEWS[0].box(*place[1:])
            expected = gradient(VIEWS[0])[y : y + height, x : x + width]
            got = stand_in(VIEWS, place, cut(index))
            assert got.shape == expected.shape
            assert np.abs(got.astype(int) - expected).max() <= 1 + 250 / VIEWS[index].height


def test_the_nearest_level_is_taken():
    def get(place):
        _, _, width, height = VIEWS[place[0]].box(*place[1:])
        return np.full((height, width, 3), 100 * place[0], np.uint8)

    assert (stand_in(VIEWS, (0, 0, 0), get) == 100).all()


def test_nothing_is_light_grey():
    assert (stand_in(VIEWS, (0, 3, 3), lambda _: None) == 236).all()
    assert stand_in(VIEWS, (0, 3, 3), lambda _: None).shape == (777 - 768, 1001 - 768, 3)
