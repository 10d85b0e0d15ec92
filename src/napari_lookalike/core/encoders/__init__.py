"""Encoders: tile in, feature vector out."""
