"""Evented state of one viewer; psygnal, no Qt, no napari."""
