"""Licences and normalisations that several rows share."""

from __future__ import annotations

HALF = (0.5, 0.5, 0.5)
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

NC_ND = "CC-BY-NC-ND-4.0"
APACHE = "Apache-2.0"
OWKIN = "Owkin non-commercial licence"
KAIKO = "Kaiko non-commercial licence"
LUNIT = "Lunit non-commercial licence"

MAHMOOD = (
    "Non-commercial. Its terms count models trained on its features as derivatives: a head "
    "trained on them inherits the licence."
)
NEEDS_GPU = "1.1 billion parameters: needs a GPU."
