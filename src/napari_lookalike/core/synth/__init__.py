"""The procedural cohort of the demo: synthetic H&E slides, labelled as synthetic.

fields, stamps, cells, banks      noise, and cells drawn once per process
scene, vessels, structures, papillae      what a slide is composed of
stain, tiff      from concentrations to pixels to a file
factors, subtypes, plan      what is drawn, and for which slide
render      one slide
cohort      all slides on disk, complete or absent
"""
