"""How much is drawn, and that what is drawn is right: by OpenGL, without it, as a density."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QImage, QPixmap

from napari_lookalike.ui.map.density import DensityCache, bin_density, level_of
from napari_lookalike.ui.map.detail import MOST_DOTS, MOST_PICTURES, detail, radius
from napari_lookalike.ui.map.finding import enclosed
from napari_lookalike.ui.map.geometry import View, fitted
from napari_lookalike.ui.map.gl import MOST_COLOURS, shared_dots
from napari_lookalike.ui.map.grid import PointGrid
from napari_lookalike.ui.map.marks import MOST_RINGS
from napari_lookalike.ui.map.plain import draw_plain
from napari_lookalike.ui.map.scatter import Scatter
from napari_lookalike.ui.map.scene import Dots, Places, Scene

RED, BLUE = "#ff0000", "#0000ff"


def dots(points, of=None, palette=(RED, BLUE), shapes=None, only=None) -> Dots:
    points = np.asarray(points, float)
    n = len(points)
    of = np.zeros(n, int) if of is None else np.asarray(of)
    shapes = np.zeros(n, int) if shapes is None else np.asarray(shapes)
    return Dots(Places(tuple(f"S{i}" for i in range(n)), points), of, palette, shapes, only)


def rgba(image: QImage) -> np.ndarray:
    """(height, width, 4), not premultiplied."""
    image = image.convertToFormat(QImage.Format.Format_RGBA8888)
    bits = np.frombuffer(image.constBits(), np.uint8)
    rows = bits.reshape(image.height(), image.bytesPerLine())[:, : 4 * image.width()]
    return rows.reshape(image.height(), image.width(), 4).copy()


# ---- which points lie where


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 400))
def test_the_grid_finds_what_a_plain_comparison_finds(seed, n):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 2)) ** 3
    points[rng.random(n) < 0.1] = np.nan
    low, high = np.sort(rng.normal(size=(2, 2)) * 2, axis=0)
    grid = PointGrid(points)
    reference = np.flatnonzero(((points >= low) & (points <= high)).all(axis=1))
    np.testing.assert_array_equal(grid.inside(tuple(low), tuple(high)), reference)
    assert grid.about(tuple(low), tuple(high)) >= len(reference)


def test_equal_points_and_none_have_a_grid():
    assert PointGrid(np.ones((5, 2))).inside((0, 0), (2, 2)).tolist() == [0, 1, 2, 3, 4]
    assert PointGrid(np.empty((0, 2))).about((-1, -1), (1, 1)) == 0


# ---- how much is drawn


@pytest.mark.parametrize(
    ("in_view", "zoom", "every_dot", "pictures", "says"),
    [
        (MOST_DOTS + 1, 1.0, False, True, "density"),
        (MOST_DOTS + 1, 1.0, True, True, "dots"),
        (MOST_DOTS, 1.0, False, True, "dots"),
        (MOST_PICTURES, 2.0, False, True, "pictures"),
        (MOST_PICTURES, 1.0, False, True, "dots"),
        (MOST_PICTURES, 2.0, False, False, "dots"),
        (0, 2.0, False, True, "dots"),
    ],
)
def test_detail(in_view, zoom, every_dot, pictures, says):
    assert detail(in_view, zoom, every_dot=every_dot, pictures=pictures) == says


def test_dots_grow_when_one_zooms_in():
    sizes = [radius(100_000, zoom) for zoom in (1, 4, 10, 40)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


# ---- OpenGL and without


@pytest.fixture
def opengl():
    found = shared_dots()
    if found is None:
        pytest.skip("there is no OpenGL here")
    return found


@pytest.mark.parametrize("rim", [None, QColor("#16171C")])
@pytest.mark.parametrize("shape", range(6))
def test_opengl_and_plain_draw_the_same(qtbot, opengl, shape, rim):
    points = [[0, 0], [10, 0], [10, 10], [0, 10]]
    scene = dots(points, [0, 1, 0, 1], shapes=[shape] * 4)
    view = fitted(np.array(points), (120, 120))
    size = 2.0 if rim is None else 9.0
    one = rgba(opengl.draw(scene, None, view, size, 1.0, rim)).astype(int)
    if rim is None:  # without OpenGL the small ones are squares beyond thousands only
        return
    other = rgba(draw_plain(scene, None, view, size, 1.0, rim)).astype(int)
    mine, theirs = one[..., 3] > 120, other[..., 3] > 120
    # Half a pixel and the rim's edge differ; another shape or a mirrored one would miss more.
    assert (mine & theirs).sum() > 0.78 * (mine | theirs).sum()
    for corner in view.to_screen(np.array(points)).astype(int).tolist():
        assert np.abs(one[corner[1], corner[0]] - other[corner[1], corner[0]]).max() < 10


def test_opengl_draws_the_chosen_rows_only_and_dims_the_others(qtbot, opengl):
    points = [[0, 0], [10, 0]]
    view = fitted(np.array(points), (100, 60))
    at = [tuple(np.round(p).astype(int)) for p in view.to_screen(np.array(points))]
    rim = QColor("#16171C")
    one = rgba(opengl.draw(dots(points), np.array([1]), view, 6.0, 1.0, rim))
    assert one[at[0][1], at[0][0], 3] == 0
    assert one[at[1][1], at[1][0], :].tolist() == [255, 0, 0, 255]
    filtered = dots(points, [0, 1], only=frozenset({1}))
    two = rgba(opengl.draw(filtered, None, view, 6.0, 1.0, rim))
    assert 20 < two[at[0][1], at[0][0], 3] < 80
    assert two[at[1][1], at[1][0], :].tolist() == [0, 0, 255, 255]


def test_opengl_follows_the_device_pixels(qtbot, opengl):
    view = fitted(np.array([[0.0, 0.0], [1.0, 1.0]]), (50, 40))
    image = opengl.draw(dots([[0, 0], [1, 1]]), None, view, 5.0, 2.0, None)
    assert (image.width(), image.height()) == (100, 80)
    assert image.devicePixelRatio() == 2.0


def test_points_far_from_zero_stay_apart(qtbot, opengl):
    points = np.array([[1e6, 1e6], [1e6 + 1e-2, 1e6]])
    view = fitted(points, (200, 60))
    picture = rgba(opengl.draw(dots(points, [0, 1]), None, view, 5.0, 1.0, QColor("black")))
    assert (picture[..., 0] == 255).any()
    assert (picture[..., 2] == 255).any()


def test_vispy_is_left_as_it_was(qtbot, opengl):
    from vispy.gloo.context import get_current_canvas

    before = get_current_canvas()
    opengl.draw(dots([[0, 0]]), None, View((0, 0), 1.0, (50, 50)), 5.0, 1.0, None)
    assert get_current_canvas() is before


def test_a_map_without_opengl_and_one_with_very_many_kinds_are_drawn(qtbot):
    points = np.random.default_rng(0).normal(size=(100, 2))
    widget = Scatter()
    qtbot.addWidget(widget)
    widget.resize(200, 200)
    widget.painter.use_opengl = False
    widget.show_scene(Scene(dots(points)))
    assert red_in(widget)
    palette = (RED,) * (MOST_COLOURS + 1)
    widget.painter.use_opengl = True
    widget.show_scene(Scene(dots(points, np.arange(100) % len(palette), palette)))
    assert red_in(widget)


def test_a_driver_that_refuses_does_not_make_the_map_vanish(qtbot, opengl, monkeypatch):
    def refuse(*_args, **_more):
        raise RuntimeError("GL_INVALID_ENUM")

    monkeypatch.setattr(opengl, "_frame", refuse)
    widget = Scatter()
    qtbot.addWidget(widget)
    widget.resize(200, 200)
    widget.show_scene(Scene(dots(np.random.default_rng(0).normal(size=(50, 2)))))
    assert red_in(widget)
    assert not widget.painter.use_opengl


def red_in(widget) -> bool:
    pixels = rgba(widget.grab().toImage()).astype(int)
    return bool(((pixels[..., 0] > 200) & (pixels[..., 2] < 60)).any())


# ---- density


def test_the_most_frequent_kind_colours_a_cell_and_many_are_stronger():
    near = [[0.0, 0.0]] * 5 + [[1000.0, 0.0]] * 2
    density = bin_density(dots(near, [0, 1, 1, 1, 0, 0, 0]), level_of(1.0))
    filled = density.rgba[density.rgba[..., 3] > 0]
    assert [tuple(c[:3]) for c in filled.tolist()] == [(0, 0, 255), (255, 0, 0)]
    assert filled[0, 3] > filled[1, 3]


def test_of_two_equally_frequent_kinds_the_rarer_is_seen():
    points = [[0.0, 0.0]] * 2 + [[1000.0, 0.0]] * 3
    density = bin_density(dots(points, [0, 1, 0, 0, 0]), level_of(1.0))
    filled = density.rgba[density.rgba[..., 3] > 0]
    assert tuple(filled[0, :3].tolist()) == (0, 0, 255)


def test_what_is_filtered_out_is_not_in_the_density():
    points = np.random.default_rng(0).normal(size=(300, 2))
    density = bin_density(dots(points, np.arange(300) % 2, only=frozenset({1})), 5)
    filled = density.rgba[density.rgba[..., 3] > 0]
    assert set(map(tuple, filled[:, :3].tolist())) == {(0, 0, 255)}
    assert bin_density(dots(points, only=frozenset()), 5) is None


def test_a_pan_bins_nothing_and_a_zoom_once():
    points = dots(np.random.default_rng(0).normal(size=(300, 2)))
    cache, view = DensityCache(), View((0, 0), 40.0, (300, 300))
    first = cache.get(points, view)
    assert cache.get(points, view.panned(30, 10)) is first
    assert cache.get(points, view.zoomed(1.05, 0, 0)) is first
    assert cache.get(points, view.zoomed(4, 0, 0)) is not first
    assert cache.get(points, view) is first


def test_the_density_lies_where_the_points_are(qtbot):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(16000, 2))
    points[8000:, 0] += 20
    widget = Scatter()
    qtbot.addWidget(widget)
    widget.resize(400, 200)
    widget.show_scene(Scene(dots(points, np.repeat([0, 1], 8000))))
    for _ in range(2):
        pixels = rgba(widget.grab().toImage()).astype(int)
        assert widget.painter.detail == "density"
        for row, channel in ((0, 0), (8000, 2)):
            x, y = widget.view.to_screen(points[row : row + 8000].mean(axis=0)[None])[0]
            there = pixels[int(y), int(x)]
            assert there[channel] > there[2 - channel] + 80
        widget._view = widget.view.panned(25, 10)
        widget.redraw()
    widget.painter.every_dot = True
    widget.redraw()
    widget.grab()
    assert widget.painter.detail == "dots"


# ---- pictures and selections


def test_pictures_take_the_place_of_few_dots(qtbot):
    asked = []

    def picture_of(key):
        asked.append(key)
        if key == "S1":
            return None  # not there yet: the dot stays
        picture = QPixmap(40, 30)
        picture.fill(QColor("#00ff00"))
        return picture

    widget = Scatter(None, picture_of)
    qtbot.addWidget(widget)
    widget.resize(300, 300)
    widget.show_scene(Scene(dots([[0, 0], [10, 0], [0, 10], [90, 90]])))
    assert not asked  # as long as all is in view
    widget.zoom(4.0, widget.point_at("S0").toPointF())
    pixels = rgba(widget.grab().toImage())
    assert widget.painter.detail == "pictures"
    at = widget.point_at("S0")
    assert pixels[at.y(), at.x(), :3].tolist() == [0, 255, 0]
    at = widget.point_at("S1")
    assert pixels[at.y(), at.x(), :3].tolist() == [255, 0, 0]
    assert "S3" not in asked  # out of view
    widget.painter.pictures = False
    widget.redraw()
    widget.grab()
    assert widget.painter.detail == "dots"


def test_many_selected_slides_are_shown_at_once(qtbot):
    points = np.random.default_rng(0).normal(size=(2 * MOST_RINGS, 2))
    widget = Scatter()
    qtbot.addWidget(widget)
    widget.resize(300, 300)
    scene = dots(points)
    widget.show_scene(Scene(scene))
    plain = rgba(widget.grab().toImage())
    widget.show_scene(Scene(scene, selected=scene.places.keys[: MOST_RINGS + 1]))
    assert (rgba(widget.grab().toImage()) != plain).any()


def test_the_lasso_leaves_out_what_stands_back(qtbot):
    widget = Scatter()
    qtbot.addWidget(widget)
    widget.resize(300, 300)
    widget.show_scene(Scene(dots([[0, 0], [10, 10]], [0, 1], only=frozenset({1}))))
    everything = np.array([[0, 0], [300, 0], [300, 300], [0, 300]], float)
    assert enclosed(widget.scene, widget.view, everything).tolist() == [1]
    assert widget.key_at(widget.point_at("S0").toPointF()) is None
    qtbot.keyClick(widget, Qt.Key.Key_Right)
