"""The default encoder: a fixed descriptor beside a small network that we trained ourselves."""
