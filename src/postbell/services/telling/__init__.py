"""What the user and other programs are told, by which ways, and when."""
