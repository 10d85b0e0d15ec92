"""Headless science: no napari, no Qt. Modules in the order of the data.

errors, progress, registry, geometry     the ground that everything stands on
slides      a whole-slide image -> levels, scale (mpp and its source), regions
cohort      slide records: slide_id, patient, label, site; manifests
project     the folder that keeps a cohort, its features, models and marks
stain, tissue, tiles      slide -> stain guess, tissue mask, tile grid
encoders, features, embed     tiles -> instances (n_tiles, dim), one HDF5 a slide
bags, mil, losses, sampling, folds, training     instances -> model
evaluation, prediction, attention, results       model -> figures, overlay
projection      slide embeddings -> the map
hard_negatives      the expert's table of look-alikes -> weights for the loss
pipeline        the steps above as whole jobs (what the CLI and the UI run)
child           runs such a job in a process of its own
synth           the procedural cohort of the demo
bench           measurements
"""
