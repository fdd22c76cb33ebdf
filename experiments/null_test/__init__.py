"""The null test: does a comparison find what is there, and nothing else?"""
