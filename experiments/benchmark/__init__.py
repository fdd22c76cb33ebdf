"""The benchmark: every remedy over many tables, with several classifiers."""
