"""Words, curves and the page of a watched training."""
