"""The devices that can be chosen, with and without graphics cards."""

from __future__ import annotations

import pytest
import torch

from napari_lookalike.core.devices import Device, check_device, device_title, devices_here
from napari_lookalike.core.encoders import load_encoder
from napari_lookalike.core.errors import EncoderError
from napari_lookalike.core.progress import Job, JobCancelled


@pytest.fixture
def cards(monkeypatch):
    def have(*names, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(names))
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(names))
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda i: names[i])
        monkeypatch.setattr(torch.cuda, "current_device", lambda: len(names) - 1)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return have


def test_without_a_card_there_is_the_cpu(cards):
    cards()
    assert devices_here() == (Device("cpu", "the CPU", chosen=True),)


def test_cards_come_by_name_and_the_first_is_what_auto_takes(cards):
    cards("A100", "T4")
    found = devices_here()
    assert [d.name for d in found] == ["cuda:0", "cuda:1", "cpu"]
    assert [d.title for d in found] == ["A100 (GPU 0)", "T4 (GPU 1)", "the CPU"]
    assert [d.chosen for d in found] == [True, False, False]
    assert device_title("cuda") == "T4 (GPU 1)"  # the one that torch would use


def test_an_apple_gpu(cards):
    cards(mps=True)
    assert [d.name for d in devices_here()] == ["mps", "cpu"]


def test_a_device_that_is_not_here_is_refused_by_every_encoder(cards):
    cards("A100")
    for name in ("auto", "cpu", "cuda", "cuda:0"):
        check_device(name)
    for name in ("mps", "cuda:1"):
        with pytest.raises(EncoderError, match=f"'{name}' is not available") as told:
            check_device(name)
        assert "cuda:0" in told.value.remedy
        with pytest.raises(EncoderError, match="not available"):
            load_encoder("lookalike-base", device=name)


def test_looking_can_be_cancelled(cards):
    cards()
    job = Job()
    job.cancel()
    with pytest.raises(JobCancelled):
        devices_here(job=job)
