"""Bounded things with the house's defaults: stacks are made of them."""
