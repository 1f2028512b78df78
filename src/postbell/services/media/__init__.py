"""Pictures and films: what they are, whether they are safe, and how they are made to fit."""
