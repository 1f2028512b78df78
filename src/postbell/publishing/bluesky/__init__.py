"""What the network Bluesky is made of."""
