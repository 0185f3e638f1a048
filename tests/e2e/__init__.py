"""The product from outside."""
