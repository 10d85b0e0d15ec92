"""The default encoder: a fixed descriptor of H&E tiles, without weights or downloads."""
