"""House style, drawings with their origin, tables."""
