"""Has the networks compiled."""

from __future__ import annotations

from typing import cast

from pytorch_lightning import Callback, LightningModule, Trainer

from gan_imbalance.gans import BaseGAN


class CompileNetworks(Callback):
    """Trains a GAN with networks that ``torch.compile`` has compiled, in place: checkpoints stay as they are.

    A gradient penalty needs a second derivative, which compiled code does not have: the discriminator of a GAN with a
    penalty stays as it is. The first steps, and the first ones of batches of another size, wait for the compiler.

    Args:
        mode: of ``torch.compile``, such as ``default`` or ``max-autotune``.
        backend: of ``torch.compile``.
    """

    def __init__(self, mode: str | None = None, backend: str = "inductor") -> None:
        self.mode = mode
        self.backend = backend

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Have the networks compiled when they are first called."""
        gan = cast(BaseGAN, pl_module)
        for network in (gan.generator, gan.discriminator) if gan.penalty is None else (gan.generator,):
            network.compile(mode=self.mode, backend=self.backend)
