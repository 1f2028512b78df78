"""What the network Threads is made of."""
