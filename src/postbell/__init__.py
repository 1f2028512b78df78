"""Postbell: a self-hosted scheduler for social media posts."""

__version__ = "0.2.0"
