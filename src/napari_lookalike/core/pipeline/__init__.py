"""Whole jobs: what the command line and the window run, each picklable."""
