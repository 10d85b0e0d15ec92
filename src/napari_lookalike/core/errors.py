"""The tree of errors. Each says what happened, to which slide, and what to do.

::

    LookalikeError
    ├── SlideError           a slide cannot be opened or read
    │   ├── UnreadableSlide      no back end opens it (every reason given)
    │   └── RegionError          it opened, but these pixels cannot be decoded
    ├── ScaleError           mpp is missing where it is needed, or false
    ├── TissueError          no tissue, so there is nothing to embed
    ├── ManifestError        a manifest or project file is wrong
    ├── ProjectError         the project folder cannot be used (read-only, missing)
    ├── EncoderError         unknown encoder, weights missing or wrong
    ├── FeatureError         a feature file is missing, incomplete or of another encoder
    ├── ModelError           a checkpoint is missing, damaged or does not fit the features
    ├── TrainingError        a cohort cannot be trained (too few slides, one class)
    ├── ClusterError         a Dask cluster cannot be reached, or its workers cannot do the work
    └── TableError           a row of the hard-negative table is wrong

Never put a file name, a patient id or a TIFF description into a message: name
the slide by its ``slide_id``, else by 8 characters of its fingerprint.
"""

from __future__ import annotations

import os


class LookalikeError(Exception):
    """Base of all our errors.

    Parameters
    ----------
    what
        What happened, as a sentence.
    remedy
        What the user can do about it, as a sentence.
    slide
        The slide's name for display (slide_id or short fingerprint), if any.
    """

    def __init__(self, what: str, remedy: str = "", slide: str | None = None) -> None:
        self.what = what
        self.remedy = remedy
        self.slide = slide
        super().__init__(what, remedy, slide)

    def __str__(self) -> str:
        """One readable sentence or two."""
        head = f"Slide {self.slide}: {self.what}" if self.slide else self.what
        return f"{head} {self.remedy}".strip()


class SlideError(LookalikeError):
    """A slide cannot be opened or read."""


class UnreadableSlide(SlideError):
    """No back end opens the slide; the message has every back end's reason."""


class RegionError(SlideError):
    """The slide opened, but these pixels cannot be decoded."""


class ScaleError(LookalikeError):
    """Microns per pixel are missing where they are needed, or false."""


class TissueError(LookalikeError):
    """No tissue was found on the slide."""


class ManifestError(LookalikeError):
    """A manifest has a wrong column, a bad value or a missing slide."""


class ProjectError(LookalikeError):
    """The project folder cannot be read or written."""


class EncoderError(LookalikeError):
    """The encoder is unknown, or its weights are missing or wrong."""


class FeatureError(LookalikeError):
    """A feature file is missing, incomplete, or of another encoder or scale."""


class ModelError(LookalikeError):
    """A checkpoint is missing, damaged, or does not fit these features."""


class TrainingError(LookalikeError):
    """The cohort cannot be trained as it is."""


class TableError(LookalikeError):
    """A row of the hard-negative table is wrong."""


class ClusterError(LookalikeError):
    """A Dask cluster cannot be reached, or its workers cannot do the work."""


def system_reason(error: OSError) -> str:
    """Why the system refused, in its own words: "No space left on device".

    Parameters
    ----------
    error
        Its own text is not used: what h5py raises names the file there.
    """
    return os.strerror(error.errno) if error.errno else type(error).__name__
