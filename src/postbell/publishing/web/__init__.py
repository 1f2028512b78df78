"""The way to servers: requests, answers, limits of rates, consent and tokens."""
