"""What is written: posts are composed, judged, changed and given a time."""
