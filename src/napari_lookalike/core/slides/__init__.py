"""Slides: back ends behind one interface."""
