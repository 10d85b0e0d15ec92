"""The napari-lookalike command: one module a command, each thin."""
