"""Does a GAN that learned the normal series first help with few rare ones?"""
