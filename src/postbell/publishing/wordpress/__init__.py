"""What the network WordPress is made of."""
