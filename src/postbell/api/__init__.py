"""The HTTP API. Nothing outside of this package imports FastAPI or uvicorn."""
