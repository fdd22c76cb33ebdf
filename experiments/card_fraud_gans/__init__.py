"""GAN, CGAN, WGAN-GP and conditional WGAN-GP on card fraud, as published and corrected."""
