"""The one-hot top-up: 140 rows of Car, every class topped up to the largest."""
