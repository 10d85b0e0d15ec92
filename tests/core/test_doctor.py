"""The doctor: complete, truthful, cheap, and discreet."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from napari_lookalike.core import doctor
from napari_lookalike.core.encoders import DEFAULT_ENCODER, ENCODERS


def _check(report: doctor.DoctorReport, name: str) -> doctor.Check:
    return next(check for check in report.checks if check.name == name)


def test_every_encoder_of_the_catalogue_is_listed_with_its_terms() -> None:
    report = doctor.doctor_report(ask_device=False)
    assert [e.name for e in report.encoders] == list(ENCODERS.names())
    for state in report.encoders:
        spec = ENCODERS.get(state.name)
        assert (state.licence, state.gated) == (spec.licence, spec.gated)


def test_weights_are_found_where_the_report_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(
        "napari_lookalike.core.encoders.weights.weights_folder", lambda: tmp_path / "weights"
    )
    before = {e.name: e for e in doctor.doctor_report(ask_device=False).encoders}
    assert before[DEFAULT_ENCODER].usable and before[DEFAULT_ENCODER].remedy == ""
    assert not before["uni2-h"].usable
    assert "MahmoodLab/UNI2-h" in before["uni2-h"].remedy
    place = Path(before["uni2-h"].places[0].split(" (or")[0]).expanduser()
    place.parent.mkdir(parents=True)
    place.write_bytes(b"weights")
    after = {e.name: e for e in doctor.doctor_report(ask_device=False).encoders}
    assert after["uni2-h"].usable and after["uni2-h"].remedy == ""
    assert not after["uni"].usable


def test_a_folder_that_cannot_be_written_is_a_fault_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("a file where a folder should be")
    monkeypatch.setattr(
        doctor.platformdirs, "user_cache_dir", lambda *_, **__: str(tmp_path / "file" / "cache")
    )
    report = doctor.doctor_report(ask_device=False)
    check = _check(report, "Cache folder")
    assert not check.ok and check.remedy and not report.ok


def test_a_missing_package_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    real = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == "torch" else real(name))
    report = doctor.doctor_report(ask_device=False)
    check = _check(report, "torch")
    assert not check.ok and "pip install torch" in check.remedy
    assert not report.ok


def test_without_a_display_other_commands_still_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    check = _check(doctor.doctor_report(ask_device=False), "Display")
    assert check.found.startswith("none") and check.ok and check.remedy


def test_the_report_is_json_and_does_not_name_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    report = doctor.doctor_report(ask_device=False).to_json()
    text = json.dumps(report)
    assert str(Path.home()) not in text
    assert set(report) == {"ok", "checks", "encoders", "slide_encoders"}


def test_without_asking_for_the_device_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from napari_lookalike.core.doctor import doctor_report;"
        "r = doctor_report(ask_device=False);"
        "heavy = {'torch', 'timm', 'napari', 'triton', 'PySide6'} & set(sys.modules);"
        "assert not heavy, heavy;"
        "assert not any(c.name == 'Device' for c in r.checks)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_device_is_named_when_asked_for() -> None:
    check = _check(doctor.doctor_report(), "Device")
    assert check.ok and check.found.split()[0] in {"cpu", "cuda", "mps"}
