"""Texts, curves and the page of a watched training run."""
