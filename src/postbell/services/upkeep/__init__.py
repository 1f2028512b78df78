"""The health of a Postbell, and what keeps it healthy."""
