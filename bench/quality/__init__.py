"""Ranking quality over labelled collections that no one here wrote: measured, compared, held to."""
