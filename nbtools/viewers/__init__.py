"""Draw, no controls: a view takes data and axes, returns the axes and computes nothing."""
