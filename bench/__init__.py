"""Benchmarks: ``micro`` for speed, ``quality`` for ranking. Not part of the installed package."""
