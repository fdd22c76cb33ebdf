"""What a person sees of a comparison: sentences, a table in the terminal, one HTML page, runs in Weights & Biases."""

from gan_imbalance.comparison.report.templates import in_notebook, show

__all__ = ["in_notebook", "show"]
