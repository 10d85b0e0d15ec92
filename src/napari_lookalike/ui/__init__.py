"""napari and Qt, thin."""
