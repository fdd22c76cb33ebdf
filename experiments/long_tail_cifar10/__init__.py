"""A long tail of CIFAR-10's ten classes: what helps the few, and what does it cost the many?"""
