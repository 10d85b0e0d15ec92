"""The contract of every row: it builds from its own arguments, offline, and has what it says."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from napari_lookalike.core.encoders import DEFAULT_ENCODER, ENCODERS, EncoderSpec, load_encoder
from napari_lookalike.core.encoders.build import LOADERS, build_network, forward
from napari_lookalike.core.errors import EncoderError

BUILT = [entry.name for entry in ENCODERS if entry.item.loader in LOADERS]
OUTSIDE = [entry.name for entry in ENCODERS if entry.item.loader != "builtin"]
# Length of a vector, as published (methods of the field, not our build).
PUBLISHED_DIM = {
    "uni": 1024,
    "uni2-h": 1536,
    "virchow": 2560,
    "virchow2": 2560,
    "h-optimus-0": 1536,
    "h-optimus-1": 1536,
    "h0-mini": 1536,
    "gigapath": 1536,
    "kaiko-s8": 384,
    "kaiko-s16": 384,
    "kaiko-b8": 768,
    "kaiko-b16": 768,
    "kaiko-l14": 1024,
    "lunit-s8": 384,
    "lunit-s16": 384,
    "mstar": 1024,
    "conch": 512,
    "conch-v1.5": 768,
    "phikon": 768,
    "phikon-v2": 1024,
    "midnight-12k": 3072,
    "hibou-b": 768,
    "hibou-l": 1024,
    "quiltnet-b-32": 512,
    "quiltnet-b-16": 512,
    "quiltnet-b-16-pmb": 512,
    "patho-clip-b": 512,
    "patho-clip-l": 768,
    "kimianet": 1024,
    "ctranspath": 768,
    "path-foundation": 384,
}
# Millions, known from elsewhere than from our own build.
REFERENCE_PARAMETERS = {"uni": 303.4, "uni2-h": 681.4, "virchow2": 631.2}
# Tokens before the patches, as published: the class token, and registers.
REGISTERS = {"virchow2": 4, "h0-mini": 4, "uni2-h": 8, "h-optimus-0": 4, "h-optimus-1": 4}
REGISTERS |= {"kaiko-l14": 4, "hibou-b": 4, "hibou-l": 4}
# What the network is shown: edge of the tile, after the resize, and of its centre.
SHOWN = {
    "uni": (256, 224, 224),
    "uni2-h": (256, 224, 224),
    "gigapath": (256, 256, 224),
    "conch": (512, 448, 448),
    "conch-v1.5": (512, 448, 448),
    "ctranspath": (256, 224, 224),
    "kimianet": (1000, 1000, 1000),
}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a catalogue row used the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_every_published_encoder_has_a_row() -> None:
    assert set(OUTSIDE) == set(PUBLISHED_DIM)


@pytest.mark.parametrize("name", BUILT)
def test_the_row_builds_and_gives_vectors_of_its_dimension(name: str) -> None:
    spec = ENCODERS.get(name)
    with torch.device("meta"):
        network = build_network(spec)
        images = torch.empty(2, 3, spec.network_px, spec.network_px)
    with torch.inference_mode():
        assert forward(network, spec, images).shape == (2, PUBLISHED_DIM[name])
    assert spec.dim == PUBLISHED_DIM[name]
    count = sum(p.numel() for p in network.parameters()) / 1e6
    assert count == pytest.approx(spec.parameters, abs=0.06)
    if spec.loader == "timm":
        assert network.num_prefix_tokens == 1 + REGISTERS.get(name, 0)
    assert not network.training


class HandMade:
    """A network whose class token is 1, whose registers are 1000, whose patches are 2 and 4."""

    def __init__(self, registers: int) -> None:
        self.num_prefix_tokens = 1 + registers
        self.config = SimpleNamespace(num_register_tokens=registers, image_size=224)
        values = torch.tensor([1.0] + [1000.0] * registers + [2.0, 4.0])
        self.tokens = values.view(1, -1, 1).expand(2, -1, 3)

    def forward_features(self, _: torch.Tensor) -> torch.Tensor:
        return self.tokens

    def __call__(self, pixel_values: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=self.tokens)


POOLED = [n for n in BUILT if ENCODERS.get(n).pooling != "none"]


@pytest.mark.parametrize("name", POOLED)
def test_the_pooling_is_the_published_one_on_hand_made_tokens(name: str) -> None:
    spec = ENCODERS.get(name)
    vectors = forward(HandMade(REGISTERS.get(name, 0)), spec, torch.empty(2, 3, 224, 224))
    both = name in ("virchow", "virchow2", "h0-mini", "midnight-12k")
    wanted = [1.0] * 3 + ([3.0] * 3 if both else [])
    assert vectors.tolist() == [wanted, wanted]


@pytest.mark.parametrize("name", OUTSIDE)
def test_the_row_is_complete(name: str) -> None:
    spec = ENCODERS.get(name)
    assert spec.name == name and re.fullmatch(r"[a-z0-9.-]+", name)
    assert spec.title and spec.licence and spec.dim > 0
    assert 0.1 < spec.mpp <= 2
    assert len(spec.mean) == len(spec.std) == 3
    assert all(0 < v < 1 for v in (*spec.mean, *spec.std))
    assert spec.loader in (*LOADERS, "import")
    assert spec.pooling in ("cls", "mean", "cls+mean", "none")
    assert spec.interpolation in ("bilinear", "bicubic")
    assert (spec.tile_px, spec.resized_px, spec.network_px) == SHOWN.get(name, (224, 224, 224))
    # None of the published files was at hand: nothing may claim that it was loaded.
    assert not spec.verified
    if spec.hub_id:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", spec.hub_id)
    else:  # it is told where else the file is, under which name
        assert spec.files and spec.files[0] in spec.note
        assert not spec.gated
    if spec.loader == "timm":
        assert spec.arguments["num_classes"] == 0
        assert spec.arguments["img_size"] == spec.network_px
    if spec.loader == "transformers":
        assert {"image_size", "patch_size", "hidden_size", "num_hidden_layers"} <= set(
            spec.arguments
        )


@pytest.mark.parametrize("name", OUTSIDE)
def test_numbers_of_parameters_say_where_they_are_from(name: str) -> None:
    spec = ENCODERS.get(name)
    if name in REFERENCE_PARAMETERS:
        assert (spec.parameters, spec.parameters_from) == (REFERENCE_PARAMETERS[name], "reference")
    else:
        assert spec.parameters_from == ("computed" if spec.loader in LOADERS else "")


def test_terms_that_bind_trained_heads_are_marked() -> None:
    inherits = {entry.name for entry in ENCODERS if entry.item.derived_heads}
    assert inherits == {n for n in ENCODERS.names() if "MahmoodLab" in ENCODERS.get(n).hub_id}
    assert {"uni", "uni2-h", "conch", "conch-v1.5"} <= inherits


def test_gates_are_those_of_the_published_pages() -> None:
    free = {n for n in OUTSIDE if not ENCODERS.get(n).gated}
    kaiko_lunit = {n for n in OUTSIDE if n.startswith(("kaiko-", "lunit-", "quiltnet-"))}
    assert free == {"phikon", "phikon-v2", "midnight-12k", "kimianet", "ctranspath"} | kaiko_lunit


def test_the_default_comes_first_and_is_always_available() -> None:
    assert ENCODERS.names()[0] == DEFAULT_ENCODER
    assert ENCODERS.why_not(DEFAULT_ENCODER) is None


def test_an_encoder_that_is_only_imported_says_how() -> None:
    assert "import" in str(ENCODERS.why_not("path-foundation"))
    with pytest.raises(EncoderError, match="TensorFlow"):
        load_encoder("path-foundation")


@pytest.mark.parametrize(
    ("loader", "library"), [("transformers", "transformers"), ("open_clip", "open_clip_torch")]
)
def test_a_library_that_is_missing_is_named(
    loader: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n, *a: None if n == loader else real(n, *a)
    )
    names = [e.name for e in ENCODERS if e.item.loader == loader]
    assert names
    for name in names:
        assert f"pip install {library}" in str(ENCODERS.why_not(name))
        with pytest.raises(EncoderError, match=f"pip install {library}"):
            build_network(ENCODERS.get(name))


@pytest.mark.parametrize(
    ("loader", "architecture", "arguments"),
    [
        ("timm", "no_such_network", {}),
        ("transformers", "bert", {}),
        ("transformers", "dinov2", {"hidden_size": "wide"}),
        ("open_clip", "NoTower", {}),
        ("open_clip", "VisionTransformer", {"quick_gelu": False, "nonsense": 1}),
        ("own", "no_such_network", {}),
        ("own", "conch", {"nonsense": 1}),
        ("builtin", "", {}),
    ],
)
def test_a_wrong_row_is_an_encoder_error(loader: str, architecture: str, arguments: dict) -> None:
    spec = EncoderSpec("x", "X", loader, architecture=architecture, arguments=arguments)
    with torch.device("meta"), pytest.raises(EncoderError, match="X"):
        build_network(spec)


def test_importing_the_catalogue_imports_no_network_library() -> None:
    code = (
        "import sys, napari_lookalike.core.encoders as e; e.ENCODERS.names();"
        "[e.ENCODERS.why_not(n) for n in e.ENCODERS.names()];"
        "assert not {'torch', 'timm', 'huggingface_hub', 'transformers', 'open_clip',"
        "'torchvision'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
