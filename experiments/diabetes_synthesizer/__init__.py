"""Does a table made by one GAN per class look, and teach, like the real one?"""
