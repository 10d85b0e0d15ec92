"""Native tiles of TIFF pyramids, decoded without a reader between file and codec.

`pages` says which pages of a TIFF are a slide's levels, `codecs` how their tiles are
coded, `level` decodes one tile, `check` compares with another reader, and `source` puts
the tiles under a slide that OpenSlide opened. Nothing is imported here: the codecs'
libraries are loaded with the first slide.
"""
