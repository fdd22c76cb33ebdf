"""SMate on CIFAR-10: minority transfer as published, and at its best."""
