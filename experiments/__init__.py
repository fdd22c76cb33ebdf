"""Studies and benchmarks: each is one command, and its README holds what it measured."""
