"""The canvas: layers in micrometres over the right pixels, late answers, deleted layers."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from PIL import Image
from tests.project_fixtures import HEIGHT, TILE_PX0, WIDTH, tiny_grid

from napari_lookalike.core.attention import attention_weights
from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.tissue import TissueSettings, find_tissue
from napari_lookalike.session.commands import EditRecord
from napari_lookalike.session.opening import new_project, open_project
from napari_lookalike.session.session import Focus, OverlaySettings
from napari_lookalike.ui.overlay_layers import our_layers
from napari_lookalike.ui.sessions import workspace_for
from napari_lookalike.ui.start import show_slide
from napari_lookalike.ui.viewer_names import camera, canvas_size

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(sys.platform == "darwin", reason="needs a display that tests may use"),
]
MPP = 0.5
WAIT_MS = 20_000


@pytest.fixture
def workspace(make_napari_viewer, tiny):
    viewer = make_napari_viewer()
    workspace = workspace_for(viewer)
    yield workspace
    workspace.close()


@pytest.fixture
def session(workspace, tiny):
    open_project(workspace.session, tiny.root)
    return workspace.session


@pytest.fixture
def viewer(workspace):
    return workspace.canvas.viewer


def is_shown(workspace, slide_id, *kinds):
    canvas = workspace.canvas
    there = {layer.metadata["napari-lookalike"]["kind"] for layer in our_layers(canvas.viewer)}
    slides = our_layers(canvas.viewer, "slide")
    return (
        not canvas.loading
        and there == {"slide", *kinds}
        and slides[0].metadata["napari-lookalike"]["slide_id"] == slide_id
    )


@pytest.fixture
def show(qtbot, workspace, session):
    """Opens a slide and waits until it is there with its attention (``None``: without)."""

    def _show(slide_id, *kinds):
        session.slide_id = slide_id
        others = kinds or ("attention",)
        wanted = partial(is_shown, workspace, slide_id, *(k for k in others if k))
        qtbot.waitUntil(wanted, timeout=WAIT_MS)

    return _show


TISSUE = TissueSettings(min_area_um2=0.0, max_hole_um2=0.0)
"""For slides so small that they are dust by the usual settings."""


@pytest.fixture
def show_tissue(qtbot, workspace, session, viewer):
    """Shows the tissue mask of the open slide and waits for it."""

    def _show():
        session.tissue = TISSUE
        session.show_tissue = True
        settled(qtbot, workspace, lambda: bool(our_layers(viewer, "tissue")))

    return _show


def layer(viewer, kind):
    [found] = our_layers(viewer, kind)
    return found


def settled(qtbot, workspace, condition):
    qtbot.waitUntil(lambda: not workspace.canvas.loading and condition(), timeout=WAIT_MS)


# ---- where things lie


def test_a_project_opens_with_its_first_slide_and_attention(qtbot, workspace, session, viewer):
    settled(qtbot, workspace, lambda: is_shown(workspace, "S01", "attention"))
    slide = layer(viewer, "slide")
    assert [str(u) for u in slide.units] == ["micrometer", "micrometer"]
    assert tuple(slide.scale) == (MPP, MPP)
    assert slide.name == "S01"
    assert viewer.layers.selection.active is layer(viewer, "attention")
    assert "PAT-" not in str([one.name for one in viewer.layers])


def test_every_tile_lies_exactly_over_its_pixels(show, viewer, session):
    show("S05")
    slide, attention = layer(viewer, "slide"), layer(viewer, "attention")
    weights = attention_weights(session.results.slides["S05"].attention_logits)[0]
    for (column, row), weight in zip(tiny_grid().cells, weights, strict=True):
        left, top = column * TILE_PX0, row * TILE_PX0
        # napari puts pixel centres on whole numbers: a pixel reaches half to either side.
        for dx, dy in ((0, 0), (TILE_PX0, 0), (0, TILE_PX0), (TILE_PX0, TILE_PX0)):
            world = slide.data_to_world((top + dy - 0.5, left + dx - 0.5))
            cell = attention.world_to_data(world)
            assert cell[0] == pytest.approx(row + dy / TILE_PX0 - 0.5, abs=1e-6)
            assert cell[1] == pytest.approx(column + dx / TILE_PX0 - 0.5, abs=1e-6)
        assert attention.data[row, column] == pytest.approx(weight)


def test_pixels_on_the_canvas_are_those_of_the_file(show, viewer, session):
    show("S05")
    with session.project.open_slide("S05") as slide:
        expected = slide.read_level(0, 0, 0, WIDTH, HEIGHT)
    assert np.array_equal(np.asarray(layer(viewer, "slide").data[0][:HEIGHT, :WIDTH]), expected)


def test_the_status_bar_says_the_attention_under_the_pointer(show, viewer, session):
    show("S05")
    weights = attention_weights(session.results.slides["S05"].attention_logits)[0]
    i = int(np.argmax(weights))
    column, row = tiny_grid().cells[i]
    centre_um = ((row + 0.5) * TILE_PX0 * MPP, (column + 0.5) * TILE_PX0 * MPP)
    active = viewer.layers.selection.active
    said = active.get_status(centre_um, view_direction=None, dims_displayed=[0, 1], world=True)
    assert said["layer_name"] == "Attention weights · S05"
    assert float(str(said["value"]).split()[-1]) == pytest.approx(weights[i], rel=0.02)


def test_a_slide_without_scale_is_shown_in_pixels_and_says_so(
    qtbot, workspace, session, show, viewer
):
    session.history.do(EditRecord("S02", mpp=None))
    show("S02", "attention")
    assert [str(u) for u in layer(viewer, "slide").units] == ["pixel", "pixel"]
    assert "µm per pixel are not known" in session.notice.text
    assert "Project" in session.notice.text


def test_another_scale_draws_the_slide_anew(qtbot, workspace, session, show, viewer):
    show("S01")
    session.history.do(EditRecord("S01", mpp=0.25))
    settled(qtbot, workspace, lambda: bool(our_layers(viewer, "attention")))
    assert tuple(layer(viewer, "slide").scale) == (0.25, 0.25)
    slide, attention = layer(viewer, "slide"), layer(viewer, "attention")
    corner = slide.data_to_world((TILE_PX0 - 0.5, -0.5))
    assert tuple(attention.world_to_data(corner)) == pytest.approx((0.5, -0.5))
    before = layer(viewer, "slide")
    session.history.do(EditRecord("S01", label="beta"))
    assert layer(viewer, "slide") is before


# ---- slide after slide


def test_late_answers_are_dropped_and_their_files_closed(
    qtbot, workspace, session, viewer, monkeypatch
):
    opened, begun = [], threading.Event()
    really = type(session.project).open_slide

    def slowly(project, slide_id):
        begun.set()
        time.sleep(0.05)
        slide = really(project, slide_id)
        opened.append((slide_id, slide))
        return slide

    monkeypatch.setattr(type(session.project), "open_slide", slowly)
    workspace.canvas.warm._timer.setInterval(10**7)  # no neighbours
    session.slide_id = "S02"
    qtbot.waitUntil(begun.is_set, timeout=WAIT_MS)
    for i in range(3, 13):
        session.slide_id = f"S{i:02d}"
        qtbot.wait(5)
    # Loading ends with the last answer, the late ones among them.
    settled(qtbot, workspace, lambda: is_shown(workspace, "S12", "attention"))
    assert [one.name for one in our_layers(viewer)] == ["S12", "Attention weights · S12"]
    shown = workspace.canvas.slide
    late = [slide for slide_id, slide in opened if slide is not shown]
    assert late
    assert all(slide._closed for slide in late)
    assert not shown._closed


def test_no_layer_is_left_without_a_slide(workspace, session, show, show_tissue, viewer):
    show("S06")
    show_tissue()
    session.slide_id = None
    assert list(viewer.layers) == []
    assert workspace.canvas.slide is None


def test_layers_of_the_user_stay(qtbot, workspace, session, show, viewer, pyramid_slide):
    show("S01")
    show_slide(viewer, pyramid_slide)
    viewer.add_points(np.zeros((1, 2)), name="mine")
    alone = {one for one in viewer.layers if one not in our_layers(viewer)}
    assert len(alone) == 2
    show("S02")
    assert alone <= set(viewer.layers)
    for one in list(viewer.layers):
        viewer.layers.remove(one)


def test_a_file_that_is_gone_is_a_sentence(qtbot, workspace, session, show, viewer):
    qtbot.waitUntil(lambda: not workspace.missing.busy)  # else it may be told of twice
    session.cohort["S07"].path.unlink()
    session.slide_id = "S07"
    qtbot.waitUntil(lambda: session.notice is not None, timeout=WAIT_MS)
    assert "S07" in session.notice.text
    assert "Relink" in session.notice.text
    assert str(session.cohort["S07"].path) not in session.notice.text
    assert our_layers(viewer) == []
    show("S08")


# ---- the user's own hands on our layers


def test_deleting_and_renaming_our_layers_does_no_harm(
    qtbot, workspace, session, show, show_tissue, viewer
):
    show("S06")
    viewer.layers.remove(layer(viewer, "attention"))
    session.overlay = replace(session.overlay, opacity=0.3)
    session.overlay = replace(session.overlay, visible=False)
    session.overlay = replace(session.overlay, visible=True)
    settled(qtbot, workspace, lambda: bool(our_layers(viewer, "attention")))
    layer(viewer, "attention").name = "other"
    layer(viewer, "slide").name = "my name"
    session.overlay = replace(session.overlay, values="logits")
    settled(qtbot, workspace, lambda: layer(viewer, "attention").name.startswith("Attention"))
    viewer.layers.remove(layer(viewer, "slide"))
    session.focus = Focus("S06", 10.0, 10.0)
    show_tissue()
    session.show_tissue = False
    show("S02")


# ---- attention, tissue, camera


def test_overlay_settings_are_followed(qtbot, workspace, session, show, viewer):
    show("S05")
    drawn = layer(viewer, "attention")
    session.overlay = replace(session.overlay, opacity=0.8)
    assert layer(viewer, "attention") is drawn
    assert drawn.opacity == pytest.approx(0.8)
    session.overlay = replace(session.overlay, visible=False)
    assert not drawn.visible
    session.overlay = OverlaySettings(values="logits", opacity=0.25)
    settled(qtbot, workspace, lambda: layer(viewer, "attention") is not drawn)
    drawn = layer(viewer, "attention")
    assert drawn.visible
    assert drawn.opacity == pytest.approx(0.25)
    logits = session.results.slides["S05"].attention_logits[0]
    assert drawn.data[~np.isnan(drawn.data)] == pytest.approx(logits)
    assert "raw logits" in drawn.metadata["napari-lookalike"]["legend"]


def test_quick_changes_end_with_the_last_one(qtbot, workspace, session, show, viewer):
    show("S05")
    for values in ("logits", "weights") * 5 + ("logits",):
        session.overlay = OverlaySettings(values=values)
    settled(qtbot, workspace, lambda: layer(viewer, "attention").name.endswith("logits · S05"))
    qtbot.wait(200)
    assert layer(viewer, "attention").name == "Attention logits · S05"


def test_the_branch_of_a_class_is_drawn(qtbot, workspace, session, show, viewer):
    show("S05")
    branches = np.random.default_rng(0).normal(size=(6, len(tiny_grid()))).astype(np.float32)
    result = replace(session.results.slides["S05"], attention_logits=branches)
    session.results = replace(session.results, slides={**session.results.slides, "S05": result})
    session.overlay = OverlaySettings(values="logits", branch="gamma")
    wanted = branches[session.results.classes.index("gamma")]

    def drawn():
        data = layer(viewer, "attention").data
        return np.allclose(data[~np.isnan(data)], wanted)

    settled(qtbot, workspace, drawn)
    assert "gamma" in layer(viewer, "attention").metadata["napari-lookalike"]["legend"]


def test_without_features_there_is_no_attention_and_no_error(
    qtbot, workspace, session, show, viewer
):
    show("S05")
    session.embedded = session.embedded - {"S05"}
    assert our_layers(viewer, "attention") == []
    assert session.notice is None
    session.embedded = session.embedded | {"S05"}
    settled(qtbot, workspace, lambda: bool(our_layers(viewer, "attention")))


def test_attention_stays_on_top_of_tissue(session, show, show_tissue, viewer):
    show("S06")
    show_tissue()
    kinds = [one.metadata["napari-lookalike"]["kind"] for one in viewer.layers]
    assert kinds == ["slide", "tissue", "attention"]
    session.show_tissue = False
    assert our_layers(viewer, "tissue") == []


@pytest.fixture
def larger(session, tmp_path, show):
    """A project with one slide that has dark tissue, pale tissue and glass, open."""
    y, x = np.mgrid[:900, :1200]
    pixels = np.full((900, 1200, 3), 243, np.uint8)
    pixels[(x - 500) ** 2 + (y - 450) ** 2 < 300**2] = (225, 165, 195)
    pixels[(x - 1000) ** 2 + (y - 450) ** 2 < 120**2] = (232, 205, 222)
    pixels[::8, ::8] = np.minimum(pixels[::8, ::8], pixels[::8, ::8] - 20)
    Image.fromarray(pixels).save(tmp_path / "larger.png")
    record = SlideRecord("T1", tmp_path / "larger.png", mpp=0.5, mpp_source="user")
    new_project(session, tmp_path / "larger", Cohort((record,)))
    show("T1", None)


def test_the_tissue_mask_lies_over_the_tissue(workspace, larger, show_tissue, viewer):
    show_tissue()
    slide, mask = layer(viewer, "slide"), layer(viewer, "tissue")
    found = find_tissue(workspace.canvas.slide, TISSUE)
    assert 0.1 < found.mask.mean() < 0.9
    assert np.array_equal(mask.data == 1, found.mask)
    down_x, down_y = found.downsample_xy
    for row, column in ((0, 0), (5, 9)):
        world = slide.data_to_world((row * down_y - 0.5, column * down_x - 0.5))
        assert tuple(mask.world_to_data(world)) == pytest.approx((row - 0.5, column - 0.5))


def test_other_thresholds_find_other_tissue(qtbot, workspace, session, larger, show_tissue, viewer):
    show_tissue()
    before = np.nansum(layer(viewer, "tissue").data)
    session.tissue = replace(TISSUE, auto=False, min_density=0.12, sure_density=0.12)

    def shrunk():
        masks = our_layers(viewer, "tissue")
        return len(masks) == 1 and 0 < np.nansum(masks[0].data) < before

    settled(qtbot, workspace, shrunk)


def test_thresholds_that_find_nothing_say_so_and_show_nothing(
    qtbot, workspace, session, larger, show_tissue, viewer
):
    show_tissue()
    session.tissue = replace(TISSUE, min_area_um2=1e7)
    settled(qtbot, workspace, lambda: session.notice is not None)
    assert session.notice.text.startswith("Slide T1: No tissue was found.")
    assert our_layers(viewer, "tissue") == []


def test_a_focus_moves_the_camera(qtbot, workspace, session, show, viewer):
    show("S05")
    session.focus = Focus("S05", 100.5, 60.5, 64.0)
    assert tuple(camera(viewer).center)[-2:] == pytest.approx((60 * MPP, 100 * MPP))
    height, width = canvas_size(viewer)
    assert camera(viewer).zoom == pytest.approx(min(width, height) / (64 * MPP))
    zoom = camera(viewer).zoom
    session.focus = Focus("S05", 20.5, 30.5)
    assert tuple(camera(viewer).center)[-2:] == pytest.approx((30 * MPP, 20 * MPP))
    assert camera(viewer).zoom == zoom
    session.focus = None
    assert tuple(camera(viewer).center)[-2:] == pytest.approx((30 * MPP, 20 * MPP))
    show("S06")
    middle = ((HEIGHT - 1) / 2 * MPP, (WIDTH - 1) / 2 * MPP)
    assert tuple(camera(viewer).center)[-2:] == pytest.approx(middle, abs=1.0)
