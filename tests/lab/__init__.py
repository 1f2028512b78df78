"""The fault lab: a far side that counts and misbehaves, and ways to hurt a daemon."""
