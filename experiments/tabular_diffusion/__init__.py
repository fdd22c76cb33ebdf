"""The diffusion model of tables beside the default GAN."""
