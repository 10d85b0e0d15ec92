"""The procedural cohort of the demo."""
