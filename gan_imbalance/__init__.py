"""Do GAN-made minority samples help your classifier?"""
