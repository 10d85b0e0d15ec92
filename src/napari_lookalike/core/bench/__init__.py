"""Measurements, each against a peer or a ceiling. A new one is a module and a line here."""

from __future__ import annotations

from napari_lookalike.core.bench.decode import bench_decode
from napari_lookalike.core.bench.embed import bench_embed
from napari_lookalike.core.bench.encoder import bench_encoder
from napari_lookalike.core.bench.lookalike import bench_lookalike
from napari_lookalike.core.bench.mil import bench_mil
from napari_lookalike.core.bench.report import Bench, BenchReport, NotMeasured, Row
from napari_lookalike.core.bench.train import bench_train
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.registry import Registry

__all__ = ["BENCHES", "Bench", "BenchReport", "NotMeasured", "Row"]

BENCHES: Registry[Bench] = Registry("bench", LookalikeError)
BENCHES.register("encoder", bench_encoder)
BENCHES.register("decode", bench_decode)
BENCHES.register("embed", bench_embed)
BENCHES.register("mil", bench_mil)
BENCHES.register("train", bench_train)
BENCHES.register("lookalike", bench_lookalike)
