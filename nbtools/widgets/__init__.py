"""State and controls: a validated state that works with no screen, and a face over it."""
