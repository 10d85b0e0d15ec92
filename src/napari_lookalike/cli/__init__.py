"""The napari-lookalike command."""
