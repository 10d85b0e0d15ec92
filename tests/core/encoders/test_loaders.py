"""Weights through every loader and every form of file: the features are the network's own."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from tests.core.encoders.small_networks import (
    CLIP,
    CONCH,
    CONCH_V15,
    DENSE,
    DINO,
    REGISTERS,
    SMALL,
    SWIN,
    TIMM,
    VIT,
    network_of,
)

from napari_lookalike.core.encoders import EncoderSpec, load_encoder, weights
from napari_lookalike.core.encoders.build import forward
from napari_lookalike.core.encoders.checksums import checksum
from napari_lookalike.core.encoders.network import NetworkEncoder, resize_and_crop
from napari_lookalike.core.encoders.own.conch import stretched
from napari_lookalike.core.errors import EncoderError

State = dict[str, torch.Tensor]
NORMS = ("norm1.weight", "norm0.weight", ".ln_q.weight", "layernorm.weight", "ln_post.weight")


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("loading weights used the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(weights, "weights_folder", lambda: tmp_path / "weights")
    monkeypatch.setattr(
        "napari_lookalike.core.encoders.checksums.platformdirs.user_cache_path",
        lambda *_, **__: tmp_path / "cache",
    )
    # What is compared are weights and recipes, not how numbers are rounded.
    monkeypatch.setattr(
        "napari_lookalike.core.encoders.network.choose_precision", lambda *_, **__: "float32"
    )


def tiles_for(spec: EncoderSpec) -> np.ndarray:
    shape = (3, spec.tile_px, spec.tile_px, 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def published(spec: EncoderSpec, network: torch.nn.Module, folder: Path) -> State:
    """The network's tensors under the names of the published file."""
    if spec.loader == "transformers":
        network.save_pretrained(folder / "saved")  # translates to the names of the hub's files
        return safetensors.torch.load_file(folder / "saved" / "model.safetensors")
    state = {k: v.clone() for k, v in network.state_dict().items()}
    if spec is CLIP:
        state = {f"visual.{k}": v for k, v in state.items()}
        return {**state, "transformer.resblocks.0.ln_1.weight": torch.ones(3)} | {
            "logit_scale": torch.ones(()),
            "positional_embedding": torch.ones(2, 3),
        }
    if spec is CONCH:
        state = {f"visual.{k}": v for k, v in state.items()}
        return {**state, "text.cls_emb": torch.ones(3), "visual.proj_contrast": torch.ones(2, 2)}
    if spec is DENSE:
        inside = {k.replace("features.", "module.model.0."): v for k, v in state.items()}
        return {**inside, "module.fc_4.weight": torch.ones(30, 16)}
    if spec is SWIN:  # the old timm put the downsampling at the end of the stage before
        old = {k.replace("layers.1.downsample", "layers.0.downsample"): v for k, v in state.items()}
        extra = {"layers.0.blocks.1.attn_mask": torch.ones(2), "head.fc.weight": torch.ones(2)}
        return {**old, **extra}
    return state


def write(state: State, folder: Path, form: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if form == "safetensors":
        safetensors.torch.save_file(state, folder / "model.safetensors")
        return folder / "model.safetensors"
    if form == "bin":
        torch.save({"model": state}, folder / "pytorch_model.bin")
        return folder / "pytorch_model.bin"
    keys, place = sorted(state), {}
    for number in (0, 1):
        name = f"model-0000{number + 1}-of-00002.safetensors"
        part = {k: state[k] for k in keys[number::2]}
        safetensors.torch.save_file(part, folder / name)
        place |= dict.fromkeys(part, name)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": place}))
    return index


def expected(spec: EncoderSpec, network: torch.nn.Module) -> np.ndarray:
    """Tiles resized by Pillow-like means elsewhere; here by the row's own preparation."""
    encoder = NetworkEncoder(spec, network, "0" * 64, "cpu")
    with torch.inference_mode():
        return forward(network, spec, encoder.prepare(torch.from_numpy(tiles_for(spec)))).numpy()


@pytest.mark.parametrize("form", ["safetensors", "bin", "sharded"])
@pytest.mark.parametrize("spec", SMALL, ids=lambda s: s.name)
def test_features_are_those_of_the_network(spec: EncoderSpec, form: str, tmp_path: Path) -> None:
    network = network_of(spec)
    path = write(published(spec, network, tmp_path), tmp_path / "file", form)
    encoder = load_encoder(spec, weights=path, device="cpu")
    features = encoder.encode(tiles_for(spec))
    assert features.shape == (3, spec.dim) and features.dtype == np.float32
    np.testing.assert_allclose(features, expected(spec, network), rtol=1e-4, atol=1e-4)
    assert np.ptp(features, axis=0).max() > 1e-4  # and not the same for every tile


@pytest.mark.parametrize("form", ["safetensors", "bin", "sharded"])
def test_the_hub_cache_and_the_own_folder_are_read(form: str, tmp_path: Path) -> None:
    state = published(DINO, network_of(DINO), tmp_path)
    snapshot = tmp_path / "hub" / "models--kaiko-ai--midnight" / "snapshots" / "abc"
    write(state, snapshot, form)
    first = load_encoder(DINO, device="cpu")
    own = tmp_path / "weights" / DINO.name
    write(published(DINO, network_of(DINO, seed=1), tmp_path), own, form)
    second = load_encoder(DINO, device="cpu")
    assert first.identity != second.identity


def test_the_parts_checksum_follows_every_part(tmp_path: Path) -> None:
    state = published(TIMM, network_of(TIMM), tmp_path)
    index = write(state, tmp_path / "a", "sharded")
    before = load_encoder(TIMM, weights=index, device="cpu").identity
    again = write(state, tmp_path / "b", "sharded")
    assert load_encoder(TIMM, weights=again.parent, device="cpu").identity == before
    second = index.parent / "model-00002-of-00002.safetensors"
    part = safetensors.torch.load_file(second)
    safetensors.torch.save_file({k: v + 1 for k, v in part.items()}, second)
    assert load_encoder(TIMM, weights=index, device="cpu").identity != before
    second.unlink()
    with pytest.raises(EncoderError, match="1 of 2 parts"):
        load_encoder(TIMM, weights=index, device="cpu")


@pytest.mark.parametrize(
    "listed", ["{", "[]", '{"weight_map": {"a": "../a.safetensors"}}', '{"weight_map": {}}']
)
def test_a_strange_list_of_parts_is_refused(listed: str, tmp_path: Path) -> None:
    safetensors.torch.save_file({"a": torch.ones(1)}, tmp_path / "a.safetensors")
    folder = tmp_path / "inside"
    folder.mkdir()
    index = folder / "model.safetensors.index.json"
    index.write_text(listed)
    with pytest.raises(EncoderError, match="part"):
        load_encoder(TIMM, weights=index, device="cpu")


def test_a_folder_with_several_files_wants_a_name(tmp_path: Path) -> None:
    for name in ("a.pth", "b.pth"):
        torch.save({}, tmp_path / name)
    with pytest.raises(EncoderError, match=r"model\.safetensors"):
        load_encoder(TIMM, weights=tmp_path, device="cpu")


@pytest.mark.parametrize("spec", SMALL, ids=lambda s: s.name)
def test_a_wrong_file_says_which_keys_differ(spec: EncoderSpec, tmp_path: Path) -> None:
    state = published(spec, network_of(spec), tmp_path)
    lost = next(k for k in sorted(state) if k.endswith(NORMS))
    state.pop(lost)
    inside = {CLIP.name: "visual.", CONCH.name: "visual.", DENSE.name: "module.model.0."}
    prefix = inside.get(spec.name, "")
    state[f"{prefix}surprise.weight"] = torch.zeros(2)
    path = write(state, tmp_path / "file", "safetensors")
    with pytest.raises(EncoderError) as caught:
        load_encoder(spec, weights=path, device="cpu")
    message = str(caught.value)
    assert spec.title in message and "1 key missing" in message
    assert lost.split(".")[-2] in message and "surprise.weight" in message


def test_a_key_of_another_shape_is_told_with_both_shapes(tmp_path: Path) -> None:
    for spec, key in ((VIT, "embeddings.cls_token"), (TIMM, "cls_token")):
        state = published(spec, network_of(spec), tmp_path / spec.name)
        state[key] = torch.zeros(1, 1, 7)
        path = write(state, tmp_path / spec.name / "file", "safetensors")
        with pytest.raises(EncoderError, match=r"\(1, 1, 7\) and should be \(1, 1, 24\)"):
            load_encoder(spec, weights=path, device="cpu")


def test_loading_reports_keys_and_checksum_to_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(published(CLIP, network_of(CLIP), tmp_path), tmp_path / "file", "safetensors")
    with caplog.at_level("INFO", logger="napari_lookalike"):
        load_encoder(CLIP, weights=path, device="cpu")
    (said,) = [r.getMessage() for r in caplog.records if "SHA-256" in r.getMessage()]
    assert "tensors fit, 3 left out" in said and checksum(path) in said
    assert str(tmp_path) not in said


def test_loading_says_nothing_on_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write(published(DINO, network_of(DINO), tmp_path), tmp_path / "file", "safetensors")
    capfd.readouterr()
    load_encoder(DINO, weights=path, device="cpu")
    assert capfd.readouterr() == ("", "")


def test_registers_are_no_part_of_the_mean() -> None:
    network = network_of(REGISTERS)
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        tokens = network(pixel_values=images).last_hidden_state
        vectors = forward(network, REGISTERS, images)
    assert tokens.shape[1] == 1 + 4 + 4
    wanted = torch.cat([tokens[:, 0], tokens[:, 5:].mean(dim=1)], dim=1)
    torch.testing.assert_close(vectors, wanted)


@pytest.mark.parametrize("spec", [VIT, DINO, REGISTERS], ids=lambda s: s.name)
def test_another_grid_of_positions_is_stretched_by_the_library(
    spec: EncoderSpec, tmp_path: Path
) -> None:
    """Some files were made for larger tiles; transformers interpolates their positions."""
    from dataclasses import replace

    larger = replace(spec, arguments={**spec.arguments, "image_size": 64})
    path = write(published(spec, network_of(larger), tmp_path), tmp_path / "file", "safetensors")
    assert load_encoder(spec, weights=path, device="cpu").encode(tiles_for(spec)).shape == (
        3,
        spec.dim,
    )


def test_the_quick_gelu_is_read_from_beside_the_file(tmp_path: Path) -> None:
    path = write(published(CLIP, network_of(CLIP), tmp_path), tmp_path / "file", "safetensors")
    plain = load_encoder(CLIP, weights=path, device="cpu")
    config = path.parent / "open_clip_config.json"
    config.write_text(json.dumps({"model_cfg": {"quick_gelu": True}}))
    quick = load_encoder(CLIP, weights=path, device="cpu")
    assert quick.identity != plain.identity
    assert not np.allclose(quick.encode(tiles_for(CLIP)), plain.encode(tiles_for(CLIP)), atol=1e-3)
    config.write_text("{")
    with pytest.raises(EncoderError, match="open_clip_config"):
        load_encoder(CLIP, weights=path, device="cpu")


def test_kimianets_vector_is_the_mean_before_any_relu() -> None:
    network = network_of(DENSE)
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        maps = network.features(images)
        vectors = forward(network, DENSE, images)
    assert (maps < 0).any()
    torch.testing.assert_close(vectors, maps.flatten(2).mean(dim=2))


def _attend(query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, heads: int):
    """Attention of one query over tokens, written out head by head."""
    out = []
    for q, k, v in zip(
        query.chunk(heads), keys.chunk(heads, 1), values.chunk(heads, 1), strict=True
    ):
        weights = torch.softmax(k @ q / len(q) ** 0.5, dim=0)
        out.append(weights @ v)
    return torch.cat(out)


def test_conchs_pooler_is_attention_of_a_learnt_query() -> None:
    network = network_of(CONCH)
    pooler = network.attn_pool_contrast
    tokens = torch.randn(2, 5, 24, generator=torch.Generator().manual_seed(1))
    weights = dict(pooler.attn.named_parameters())
    bias_q, bias_k, bias_v = weights["in_proj_bias"].chunk(3)
    for image, found in zip(tokens, pooler(tokens)[:, 0], strict=True):
        keys = pooler.ln_k(image)
        attended = _attend(
            weights["q_proj_weight"] @ pooler.ln_q(pooler.query[0]) + bias_q,
            keys @ weights["k_proj_weight"].T + bias_k,
            keys @ weights["v_proj_weight"].T + bias_v,
            heads=4,
        )
        torch.testing.assert_close(found, pooler.attn.out_proj(attended))


def test_conch_v15s_pooler_has_no_biases() -> None:
    pooler = network_of(CONCH_V15).attn_pool_contrast
    tokens = torch.randn(2, 5, 24, generator=torch.Generator().manual_seed(1))
    for image, found in zip(tokens, pooler(tokens)[:, 0], strict=True):
        keys, values = pooler.to_kv(pooler.ln_k(image)).chunk(2, dim=-1)
        query = pooler.to_q(pooler.ln_q(pooler.query[0]))
        torch.testing.assert_close(found, pooler.to_out(_attend(query, keys, values, heads=4)))


def test_positions_keep_their_grid_or_are_stretched() -> None:
    positions = torch.randn(1, 1 + 9, 4, generator=torch.Generator().manual_seed(0))
    assert stretched(positions, 3, 3) is positions
    wide = stretched(positions, 6, 6)
    assert wide.shape == (1, 37, 4)
    torch.testing.assert_close(wide[:, :1], positions[:, :1])
    ramp = torch.cat([torch.zeros(1, 1, 1), torch.arange(8.0).repeat(8).view(1, 64, 1)], dim=1)
    row = stretched(ramp, 16, 16)[0, 1:17, 0]
    # Column 8 lies at 8.5 * 8 / 16.1 - 0.5 of the old grid, and not at 8.5 / 2 - 0.5.
    grid = ramp[:, 1:].reshape(1, 1, 8, 8)
    plain = torch.nn.functional.interpolate(grid, size=(16, 16), mode="bicubic")[0, 0, 0]
    assert 0.01 < plain[8] - row[8] < 0.06


@pytest.mark.parametrize(
    ("spec", "kind"),
    [(CONCH, Image.Resampling.BICUBIC), (SWIN, Image.Resampling.BILINEAR)],
    ids=["bicubic", "bilinear"],
)
def test_tiles_are_resized_as_pillow_does(spec: EncoderSpec, kind: Image.Resampling) -> None:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    tile = np.asarray(Image.fromarray(coarse).resize((spec.tile_px, spec.tile_px), kind))
    wanted = np.asarray(Image.fromarray(tile).resize((spec.network_px, spec.network_px), kind))
    found = resize_and_crop(torch.from_numpy(tile.copy()).permute(2, 0, 1)[None].float(), spec)
    difference = np.abs(found[0].permute(1, 2, 0).numpy() - wanted)
    assert difference.max() <= 1.05  # Pillow rounds to whole grey levels twice


def test_the_centre_is_taken_where_the_row_says_so() -> None:
    from dataclasses import replace

    spec = replace(TIMM, tile_px=48, resize_px=48, input_px=32)
    tile = torch.arange(48 * 48).view(1, 1, 48, 48).expand(1, 3, 48, 48).float()
    torch.testing.assert_close(resize_and_crop(tile, spec), tile[..., 8:40, 8:40])
