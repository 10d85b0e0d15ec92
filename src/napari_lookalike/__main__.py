"""``python -m napari_lookalike`` is the same as the ``napari-lookalike`` command."""

from napari_lookalike.cli.app import main

if __name__ == "__main__":
    main()
