"""How a network is run: memory that ends, half precision, batches on a device."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import timm
import torch

from napari_lookalike.core.encoders import EncoderSpec, precision
from napari_lookalike.core.encoders import network as running
from napari_lookalike.core.encoders.batching import is_out_of_memory, probe_batch
from napari_lookalike.core.encoders.cuda_stream import stream_on_cuda
from napari_lookalike.core.encoders.network import NetworkEncoder
from napari_lookalike.core.errors import EncoderError

SPEC = EncoderSpec(
    "small",
    "Small",
    "timm",
    architecture="vit_tiny_patch16_224",
    tile_px=32,
    pooling="none",
    dim=24,
)
SIZES = {"num_classes": 0, "img_size": 32, "depth": 2, "embed_dim": 24, "num_heads": 2}


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> NetworkEncoder:
    monkeypatch.setattr(running, "choose_precision", lambda *_: "float32")
    torch.manual_seed(0)
    network = timm.create_model("vit_tiny_patch16_224", **SIZES).eval()
    return NetworkEncoder(SPEC, network, "0" * 64, "cpu")


def some_tiles(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)


def limited(encoder: NetworkEncoder, limit: int, error: Exception) -> list[int]:
    """Let more tiles than ``limit`` at once fail; the sizes that were tried."""
    real, sizes = encoder.forward, []

    def forward(images: torch.Tensor) -> torch.Tensor:
        sizes.append(len(images))
        if len(images) > limit:
            raise error
        return real(images)

    encoder._run = forward
    return sizes


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("full"), RuntimeError("MPS backend out of memory"),
     RuntimeError("DefaultCPUAllocator: not enough memory")],
)  # fmt: skip
def test_when_memory_ends_batches_are_halved_and_no_tile_is_lost(
    encoder: NetworkEncoder, error: Exception
) -> None:
    tiles = some_tiles(37)
    wanted = encoder.encode(tiles)
    sizes = limited(encoder, 3, error)
    np.testing.assert_allclose(encoder.encode(tiles), wanted, atol=1e-5)
    assert sizes[:4] == [16, 8, 4, 2] and set(sizes[3:]) == {1, 2}
    np.testing.assert_allclose(np.concatenate(list(encoder.stream([tiles]))), wanted, atol=1e-5)
    assert encoder.best_batch() == 2  # it is remembered


def test_a_tile_that_does_not_fit_and_other_errors(encoder: NetworkEncoder) -> None:
    limited(encoder, 0, torch.OutOfMemoryError("full"))
    with pytest.raises(EncoderError, match="memory of the cpu"):
        encoder.encode(some_tiles(3))
    limited(encoder, 0, RuntimeError("a shape is wrong"))
    with pytest.raises(RuntimeError, match="shape"):
        encoder.encode(some_tiles(3))
    assert not is_out_of_memory(ValueError("out of memory"))


def test_colours_are_changed_on_the_device_first(encoder: NetworkEncoder) -> None:
    tiles, seen = some_tiles(5), []

    def swapped(batch: Any) -> Any:
        seen.append(type(batch))
        return batch.flip(-1)

    found = np.concatenate(list(encoder.stream([tiles[:3], tiles[3:]], swapped)))
    np.testing.assert_allclose(found, encoder.encode(tiles[..., ::-1].copy()), atol=1e-5)
    assert seen == [torch.Tensor] * 2
    assert encoder.encode(tiles[:0]).shape == (0, 24)
    frozen = tiles.copy()
    frozen.flags.writeable = False
    assert encoder.encode(frozen).shape == (5, 24)


def test_a_compiled_network_sees_one_size_only(
    encoder: NetworkEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiles, sizes = some_tiles(37), []
    wanted = encoder.encode(tiles)

    def compiled(forward: Callable[..., Any], **_: Any) -> Callable[..., Any]:
        def run(images: torch.Tensor) -> torch.Tensor:
            sizes.append(len(images))
            return forward(images)

        return run

    monkeypatch.setattr(torch, "compile", compiled)
    encoder.compile()
    np.testing.assert_allclose(encoder.encode(tiles), wanted, atol=1e-5)
    assert sizes == [16, 16, 16]


def test_convolutions_get_channels_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "choose_precision", lambda *_: "float32")
    spec = EncoderSpec("r", "R", "timm", tile_px=64, pooling="none", dim=512)
    network = timm.create_model("resnet10t", num_classes=0).eval()
    encoder = NetworkEncoder(spec, network, "0" * 64, "cpu")
    weight = next(m.weight for m in encoder.network.modules() if isinstance(m, torch.nn.Conv2d))
    assert weight.is_contiguous(memory_format=torch.channels_last)
    tiles = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3), np.uint8))
    assert encoder.prepare(tiles).is_contiguous(memory_format=torch.channels_last)


# -- how many at once --------------------------------------------------------------


def machine(
    fits: int, seconds: Callable[[int], float], clock: list[float]
) -> Callable[[int], None]:
    def run(count: int) -> None:
        if count > fits:
            raise torch.OutOfMemoryError("full")
        clock[0] += seconds(count)

    return run


@pytest.mark.parametrize(
    ("fits", "seconds", "expected"),
    [
        (10**6, lambda n: 0.1 + n * 1e-3, 1024),  # larger is always better
        (10**6, lambda n: n * 1e-2, 16),  # it makes no difference
        (10**6, lambda n: max(n, 128) * 1e-3, 128),
        (100, lambda n: 0.1 + n * 1e-3, 64),  # memory ends
        (5, lambda n: n * 1e-3, 8),  # `features` halves on
        (10**6, lambda n: 2.5 + n * 1e-3, 16),  # long enough
    ],
)
def test_the_batch_is_found_by_trying(
    fits: int, seconds: Callable[[int], float], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(
        "napari_lookalike.core.encoders.batching.time.perf_counter", lambda: clock[0]
    )
    assert probe_batch(machine(fits, seconds, clock)) == expected


# -- half precision ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("slower", "error", "expected"),
    [
        (3.0, 0.001, "bfloat16"),
        (1.05, 0.001, "float32"),  # not worth it
        (3.0, 0.2, "float32"),  # not the same
        (3.0, float("nan"), "float32"),  # it overflows
    ],
)
def test_half_precision_is_used_where_it_is_quicker_and_agrees(
    slower: float, error: float, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(precision, "_candidate", lambda _: "bfloat16")
    monkeypatch.setattr(precision.time, "thread_time", lambda: clock[0])
    exact, noise = torch.randn(2, 4, 50, generator=torch.Generator().manual_seed(0))

    def run(tiles: torch.Tensor, name: str) -> torch.Tensor:
        assert tiles.shape == (4, 32, 32, 3) and tiles.dtype == torch.uint8
        clock[0] += slower if name == "float32" else 1.0
        return exact if name == "float32" else exact + error * noise

    threads = torch.get_num_threads()
    assert precision.choose_precision("cpu", SPEC, 1000, run) == expected
    assert torch.get_num_threads() == threads


def test_no_half_precision_where_the_hardware_or_an_operation_lacks_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lacking(tiles: torch.Tensor, name: str) -> torch.Tensor:
        raise RuntimeError("not implemented for 'BFloat16'")

    monkeypatch.setattr(precision, "_candidate", lambda _: "bfloat16")
    assert precision.choose_precision("cpu", SPEC, 1000, lacking) == "float32"
    monkeypatch.setattr(precision, "_candidate", lambda _: "float32")
    assert precision.choose_precision("cpu", SPEC, 1000, lacking) == "float32"


def test_a_real_network_agrees_in_both(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network = timm.create_model("vit_tiny_patch16_224", **SIZES).eval()
    encoder = NetworkEncoder(SPEC, network, "0" * 64, "cpu")
    assert encoder.precision in ("float32", "bfloat16")
    with torch.inference_mode():
        tiles = torch.from_numpy(some_tiles(8))
        one, other = (encoder._in_precision(tiles, p) for p in ("float32", "bfloat16"))
    assert float(torch.nn.functional.cosine_similarity(one, other).min()) > 0.999


# -- CUDA, whose part is played by the CPU -------------------------------------------


class FakeEvent:
    def __init__(self, log: list[str], name: str) -> None:
        self._log, self._name = log, name

    def synchronize(self) -> None:
        self._log.append(f"wait {self._name}")


class FakeStream:
    def __init__(self, log: list[str], name: str) -> None:
        self._log, self._name, self._events = log, name, 0

    def record_event(self) -> FakeEvent:
        self._events += 1
        return FakeEvent(self._log, f"{self._name}{self._events}")

    def wait_event(self, event: FakeEvent) -> None:
        self._log.append(f"{self._name} after {event._name}")


def test_a_batch_is_queued_before_the_former_one_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log: list[str] = []
    streams = {"copy": FakeStream(log, "copy"), "compute": FakeStream(log, "compute")}
    monkeypatch.setattr(torch.cuda, "Stream", lambda *_: streams["copy"])
    monkeypatch.setattr(torch.cuda, "current_stream", lambda *_: streams["compute"])
    monkeypatch.setattr(torch.cuda, "stream", lambda _: contextlib.nullcontext())
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda *_: None)
    empty = torch.empty
    monkeypatch.setattr(torch, "empty", lambda *a, pin_memory=False, **k: empty(*a, **k))

    def batches() -> Iterator[np.ndarray]:
        for i in range(3):
            log.append(f"take {i}")
            yield np.full((2, 4, 4, 3), i, np.uint8)

    def features(tiles: torch.Tensor) -> torch.Tensor:
        log.append(f"compute {int(tiles[0, 0, 0, 0])}")
        return tiles.float().mean((1, 2))

    found = list(stream_on_cuda(batches(), "cpu", features))
    np.testing.assert_array_equal(np.stack(found)[:, 0, 0], [0, 1, 2])
    assert log == [
        "take 0", "compute after copy1", "compute 0",
        "take 1", "compute after copy2", "compute 1", "wait compute1",
        "take 2", "compute after copy3", "compute 2", "wait compute2", "wait compute3",
    ]  # fmt: skip
