"""Readable slow twins that the fast paths are compared with. One module per room."""
