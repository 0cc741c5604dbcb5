"""Sliders over any function, and what they show."""
