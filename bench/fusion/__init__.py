"""Fusions side by side over labelled collections: what each gains over the better branch."""
