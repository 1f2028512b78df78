"""What the network Mastodon is made of."""
