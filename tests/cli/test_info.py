"""``info``: the truth about good and bad files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.cli.conftest import SECRET, Cli
from tests.slide_fixtures import halve, texture, write_pyramid

from napari_lookalike.core.slides import SLIDE_FORMATS


def test_facts_of_a_pyramid(cli: Cli, pyramid_slide: Path) -> None:
    ran = cli("info", pyramid_slide, "--json")
    assert ran.code == 0
    facts = ran.json
    assert facts["mpp"] == pytest.approx(0.5, rel=1e-3)
    assert facts["mpp_xy"] == pytest.approx([0.5, 0.5], rel=1e-3)
    assert facts["mpp_source"] in ("property", "tiff-tag")
    assert facts["size"] == [1501, 1203]
    assert [level["width"] for level in facts["levels"][:3]] == [1501, 750, 375]
    assert {"vendor", "backend", "fingerprint", "mpp_raw", "mpp_reason"} <= set(facts)
    assert facts["fingerprint"]


def test_facts_for_a_person(cli: Cli, pyramid_slide: Path) -> None:
    facts = cli("info", pyramid_slide, "--json").json
    ran = cli("info", pyramid_slide)
    assert ran.code == 0
    assert f"Slide {facts['fingerprint'][:8]}" in ran.out
    assert "1501 × 1203" in ran.out
    assert "No trustworthy scale" not in ran.out


@pytest.mark.parametrize("dpi", [72, 96, 300])
def test_a_screen_setting_is_no_scale(cli: Cli, tmp_path: Path, dpi: int) -> None:
    path = tmp_path / f"{SECRET}.tiff"
    tifffile.imwrite(
        path,
        texture(600, 500),
        tile=(256, 256),
        photometric="rgb",
        resolution=(dpi, dpi),
        resolutionunit="INCH",
    )
    ran = cli("info", path, "--json")
    assert ran.code == 0
    facts = ran.json
    assert facts["mpp"] is None
    assert facts["mpp_xy"] is None
    assert facts["mpp_source"] == "unknown"
    assert facts["mpp_raw"]
    assert f"{dpi} dpi" in facts["mpp_reason"]
    assert "No trustworthy scale" in cli("info", path).out


def test_a_given_scale_is_the_users(cli: Cli, no_mpp_slide: Path) -> None:
    assert cli("info", no_mpp_slide, "--json").json["mpp"] is None
    facts = cli("info", no_mpp_slide, "--mpp", "0.25", "--json").json
    assert (facts["mpp"], facts["mpp_source"]) == (0.25, "user")
    ran = cli("info", no_mpp_slide, "--mpp", "250", "--json")
    assert ran.code == 1
    assert "250" in ran.json["error"]["what"]
    assert ran.json["error"]["remedy"]


def test_a_photograph_opens_because_it_was_named(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / f"{SECRET}.png"
    Image.fromarray(texture(320, 200)).save(path)
    facts = cli("info", path, "--json").json
    assert facts["size"] == [320, 200]
    assert facts["mpp"] is None


def refused(cli: Cli, path: Path) -> str:
    """What is said of a file that does not open, the same for people and programs."""
    ran = cli("info", path, "--json")
    assert ran.code == 1
    error = ran.json["error"]
    assert set(error) == {"what", "remedy", "slide"}
    assert error["remedy"]
    assert error["what"] in " ".join(cli("info", path).told.split())
    return str(error["what"])


@pytest.mark.parametrize(
    "content", [b"", b"not a slide\n", b"II*\0\x08\0\0\0", b"\x89PNG\r\n\x1a\n"]
)
def test_a_false_slide_gets_every_readers_reason(cli: Cli, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / f"{SECRET}.svs"
    path.write_bytes(content)
    said = refused(cli, path)
    for entry in SLIDE_FORMATS:
        assert f"{entry.item.title}: " in said


@pytest.mark.parametrize("share", [0.05, 0.4, 0.8])
def test_a_truncated_slide_is_refused(cli: Cli, tmp_path: Path, share: float) -> None:
    level0 = texture(1200, 900)
    whole = write_pyramid(tmp_path / "whole.tiff", [level0, halve(level0)])
    data = whole.read_bytes()
    path = tmp_path / f"{SECRET}.tiff"
    path.write_bytes(data[: int(len(data) * share)])
    assert refused(cli, path)


def test_one_broken_tile_per_level_is_enough_to_refuse(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / f"{SECRET}.tiff"
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (700, 800, 3), np.uint8)
    write_pyramid(path, [noise, halve(noise)])
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        tiles = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    data = bytearray(path.read_bytes())
    for offset, length in tiles:
        data[offset : offset + length] = bytes(length)
    path.write_bytes(data)
    assert refused(cli, path)


def test_an_empty_folder_is_no_slide(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / SECRET).mkdir()
    assert refused(cli, tmp_path / SECRET)


def test_json_is_plain(cli: Cli, pyramid_slide: Path) -> None:
    ran = cli("info", pyramid_slide, "--json")
    assert json.loads(json.dumps(ran.json)) == ran.json
    assert ran.err == ""
