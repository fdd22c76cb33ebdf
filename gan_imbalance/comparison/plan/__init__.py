"""What is to be run: data, remedies, classifiers and splits become cells with addresses; nothing is read or written."""
