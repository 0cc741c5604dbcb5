"""Noise, crossings, lines, nulls, intervals, and the one check of input arrays."""
