"""Which correction for overlapping splits, and which splits?"""
