"""What training learns from single tiles: the expert's, and those of benign slides.

Both go through the head beside the batch, in small extra batches of their own, so that four
clicks in a cohort of hundreds of slides are seen in every step, and batches stay as they are.
A single tile is asked about as a bag of one: no head needs a further classifier for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.losses import attention_evidence, supcon, tile_evidence
from napari_lookalike.core.mil.apply import pad, standardise
from napari_lookalike.core.mil.base import Head, HeadOutput

if TYPE_CHECKING:
    from napari_lookalike.core.mil.stage import TrainingSet

SLIDES = 4
"""So many slides with evidence (or with benign tiles put among theirs) in every step."""
MOST = 4096
"""Instances of such a slide in a step where the batches have all of theirs."""
TILES = 128
"""At most so many single tiles in every step."""
APART = 0.5
"""Weight of the contrastive loss of diagnostic tiles, beside that of the classifier."""
_STREAM = 11  # random numbers of its own, so that batches are drawn as without it


def tile_terms(
    head: Head, data: TrainingSet, config: TrainConfig, moments: tuple[Tensor, Tensor]
) -> TileTerms | None:
    """The terms that this training has; ``None`` if there are none."""
    terms = TileTerms(head, data, config, moments)
    return terms if terms.any else None


class TileTerms:
    """``e1 * attention + e2 * (classifier + APART * contrast) + benign * (both of benign tiles)``.

    Parameters
    ----------
    head
        On the device to train on.
    data
        Training slides; their evidence is ``data.weights.evidence``.
    config
        ``evidence_attention`` is e1, ``evidence_tiles`` is e2 (only the loss "expert" has
        them), ``benign`` and ``benign_weight``.
    moments
        Mean and standard deviation of instances, on the device.
    """

    def __init__(
        self,
        head: Head,
        data: TrainingSet,
        config: TrainConfig,
        moments: tuple[Tensor, Tensor],
    ) -> None:
        self._head, self._config, self._moments = head, config, moments
        self._instances, self._y = data.instances, torch.from_numpy(data.y)
        self._generator = torch.Generator().manual_seed(config.seed + _STREAM)
        clicked = data.weights.evidence if config.loss == "expert" else {}
        place = {slide_id: i for i, slide_id in enumerate(data.slide_ids)}
        self._clicks = {
            place[s]: (torch.from_numpy(e.diagnostic), torch.from_numpy(e.lookalike))
            for s, e in clicked.items()
            if s in place and len(e)
        }
        self._tiles = self._clicked_tiles()
        benign = [c for c, name in enumerate(data.classes) if name in config.benign]
        self._benign = np.flatnonzero(np.isin(data.y, benign))
        self._others = np.flatnonzero(~np.isin(data.y, benign))
        if config.benign_weight <= 0 or not len(self._others):
            self._benign = self._benign[:0]

    @property
    def any(self) -> bool:
        """Whether there is anything to learn."""
        wanted = self._config.evidence_attention > 0 or self._config.evidence_tiles > 0
        return bool(self._clicks and wanted) or bool(len(self._benign))

    def __call__(self) -> Tensor:
        """The weighted sum for one step, a scalar."""
        config = self._config
        losses: list[Tensor] = []
        if self._clicks and config.evidence_attention > 0:
            losses.append(config.evidence_attention * self._attention())
        if self._clicks and config.evidence_tiles > 0:
            losses.append(config.evidence_tiles * self._classifier())
        if len(self._benign):
            losses.append(config.benign_weight * self._benign_tiles())
        return torch.stack(losses).sum()

    def _attention(self) -> Tensor:
        """Attention of some slides with evidence, each time others in turn by chance."""
        rows = self._some(list(self._clicks), SLIDES)
        bags, marked = [], []
        for row in rows:
            on, off = self._clicks[row]
            index = self._keeping(len(self._instances[row]), torch.cat([on, off]))
            bags.append(self._instances[row][index])
            marked.append((torch.isin(index, on), torch.isin(index, off)))
        output, mask = self._ask(bags)
        logits = self._branch(output, rows)
        shape = mask.shape
        on_all, off_all = (_filled([m[k] for m in marked], shape, mask.device) for k in range(2))
        return attention_evidence(logits, on_all, off_all)

    def _classifier(self) -> Tensor:
        """What single clicked tiles are taken for, and diagnostic ones of two classes apart."""
        x, y, diagnostic = self._tiles
        if len(x) > TILES:
            chosen = torch.randperm(len(x), generator=self._generator)[:TILES]
            x, y, diagnostic = x[chosen], y[chosen], diagnostic[chosen]
        device = self._moments[0].device
        y, diagnostic = y.to(device), diagnostic.to(device)
        # Every tile twice: with dropout these are two views of it, so that a tile that is the
        # only one of its class has a positive as well.
        output, _ = self._ask([t[None] for t in torch.cat([x, x])])
        twice, both = torch.cat([y, y]), torch.cat([diagnostic, diagnostic])
        loss = tile_evidence(output.logits, twice, both)
        if len(torch.unique(y[diagnostic])) > 1:
            apart = supcon(output.embedding[both], twice[both], self._config.tau)
            loss = loss + APART * apart
        return loss

    def _benign_tiles(self) -> Tensor:
        """Tiles of benign slides: no attention in others' bags, and benign alone."""
        rows = self._some(self._others.tolist(), SLIDES)
        bags, put = [], []
        for row in rows:
            own = self._instances[row]
            own = own[self._keeping(len(own), torch.zeros(0, dtype=torch.int64))]
            strange, _ = self._drawn_benign(max(1, min(len(own), TILES) // 2))
            bags.append(torch.cat([own, strange.to(own.dtype)]))
            put.append(torch.arange(len(own) + len(strange)) >= len(own))
        output, mask = self._ask(bags)
        off = _filled(put, mask.shape, mask.device)
        logits = self._branch(output, rows)
        loss = attention_evidence(logits, torch.zeros_like(off), off)
        tiles, y = self._drawn_benign(TILES // 4)
        alone, _ = self._ask([t[None] for t in tiles])
        return loss + functional.cross_entropy(alone.logits, y.to(mask.device))

    def _drawn_benign(self, n: int) -> tuple[Tensor, Tensor]:
        """So many tiles of benign slides, each slide as likely, and their classes."""
        which = torch.randint(len(self._benign), (n,), generator=self._generator)
        slides = [int(self._benign[i]) for i in which]
        at = [
            int(torch.randint(len(self._instances[s]), (1,), generator=self._generator))
            for s in slides
        ]
        tiles = torch.stack([self._instances[s][i] for s, i in zip(slides, at, strict=True)])
        return tiles, self._y[slides]

    def _clicked_tiles(self) -> tuple[Tensor, Tensor, Tensor]:
        """All clicked tiles (n, dim), the class of each, and whether it is diagnostic."""
        x, y, kind = [], [], []
        for row, (on, off) in self._clicks.items():
            x.append(self._instances[row][torch.cat([on, off])])
            y.append(self._y[row].expand(len(on) + len(off)))
            kind.append(torch.arange(len(on) + len(off)) < len(on))
        if not x:
            none = torch.zeros(0, dtype=torch.int64)
            return torch.zeros(0, 0), none, none.bool()
        return torch.cat(x), torch.cat(y), torch.cat(kind)

    def _ask(self, bags: Sequence[Tensor]) -> tuple[HeadOutput, Tensor]:
        x, mask = pad([bag.float() for bag in bags], self._moments[0].device)
        return self._head(standardise(x, *self._moments), mask).single(), mask

    def _branch(self, output: HeadOutput, rows: Sequence[int]) -> Tensor:
        """Attention logits (bags, n) of the only branch, or of the slide's own class."""
        logits = output.attention_logits
        if logits.shape[1] == 1:
            return logits[:, 0]
        y = self._y[list(rows)].to(logits.device)
        return logits[torch.arange(len(rows), device=logits.device), y]

    def _some(self, rows: Sequence[int], most: int) -> list[int]:
        order = torch.randperm(len(rows), generator=self._generator)[:most]
        return [rows[int(i)] for i in order]

    def _keeping(self, n: int, keep: Tensor) -> Tensor:
        """Indices of at most ``max_instances`` of n instances, ``keep`` among them."""
        most = self._config.max_instances or MOST
        if not most or n <= most:
            return torch.arange(n)
        others = torch.ones(n, dtype=torch.bool)
        others[keep] = False
        rest = torch.nonzero(others)[:, 0]
        drawn = rest[torch.randperm(len(rest), generator=self._generator)]
        return torch.cat([keep, drawn[: max(0, most - len(keep))]])


def _filled(rows: Sequence[Tensor], shape: torch.Size, device: torch.device) -> Tensor:
    """Masks of different lengths as one (bags, n), False beyond each."""
    filled = torch.zeros(shape, dtype=torch.bool)
    for i, row in enumerate(rows):
        filled[i, : len(row)] = row
    return filled.to(device)
