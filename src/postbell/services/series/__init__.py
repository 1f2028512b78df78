"""What is published again and again."""
