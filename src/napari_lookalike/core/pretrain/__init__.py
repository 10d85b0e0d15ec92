"""How the network of the shipped encoder is trained: on drawn tissue whose factors are known.

Maintainers run it by ``napari-lookalike pretrain-encoder``; the product itself only loads
what came out.
"""
