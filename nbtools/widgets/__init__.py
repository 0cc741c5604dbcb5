"""State and controls: the state is validated and works with no screen; the face calls analysis and viewers."""
