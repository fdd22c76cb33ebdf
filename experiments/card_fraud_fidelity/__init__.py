"""Can frauds that a GAN made be told from real ones that it has not seen?"""
