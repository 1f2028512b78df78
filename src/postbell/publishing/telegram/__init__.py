"""What the network Telegram is made of."""
