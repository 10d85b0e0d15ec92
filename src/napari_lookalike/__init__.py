"""napari-lookalike: curate look-alike tumours and teach a model from them.

Importing this package loads nothing heavy: no torch, no napari, no network.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("napari-lookalike")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
