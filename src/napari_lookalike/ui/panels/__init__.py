"""One dock panel a file; panels never import one another."""
