"""From due to done: what is claimed is sent, looked up, commented on, read back and taken away."""
