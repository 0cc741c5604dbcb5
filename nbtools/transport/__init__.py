"""Transport and dc magnetisation: the room of notebook 03."""
