"""Notebooks: open a sample, manifest and twins, run, report, inspect."""
