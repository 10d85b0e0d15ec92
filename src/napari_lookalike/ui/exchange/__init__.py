"""Dialogs of import and export, and the layer of an imported map."""
