"""napari-lookalike: curate look-alike tumours and teach a model from them.

Importing this package loads nothing heavy: no torch, no napari, no network.
"""

__all__ = ["__version__"]

__version__: str


def __getattr__(name: str) -> str:
    """The version, looked up when it is asked for: the look-up is slow to import."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("napari-lookalike")
    except PackageNotFoundError:  # a source tree that was never installed
        return "0+unknown"
