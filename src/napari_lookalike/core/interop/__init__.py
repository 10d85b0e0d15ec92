"""Features in, features out: what other programs wrote, and what they read.

`importing.import_source` brings features and maps into a project and reports what was
inferred and how sure it is; `exporting.export` writes a project's. The kinds are in
`formats.IMPORTERS` and `formats.EXPORTERS`, a file each.
"""
