"""Peers measured side by side with pyengine, one package a scenario."""
