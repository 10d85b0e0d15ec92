"""A cohort on several machines: a Dask cluster embeds parts of slides."""
