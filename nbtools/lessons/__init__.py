"""The classroom: questions with their boxes, how answers are judged, and where they are kept."""
