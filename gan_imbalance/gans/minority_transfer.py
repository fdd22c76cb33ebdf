"""The minority-transfer GAN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from gan_imbalance.checkpoints import read_checkpoint
from gan_imbalance.gans.wasserstein import WassersteinGAN
from gan_imbalance.networks import first_blocks, freeze_blocks
from gan_imbalance.types import ClassSelection, DataSpec, InputError


class MinorityTransferGAN(WassersteinGAN):
    """Learns the plentiful classes first, keeps its early blocks, and fine-tunes the rest on the rare class.

    The SMate idea with any loss: after ``pretrain_epochs`` on ``pretrain_classes`` (or from the checkpoint
    ``pretrained``), the first blocks are frozen, optimizers start anew on what is left, and training goes on with
    ``classes``. The phase is part of the checkpoint. Controls: from scratch (``pretrain_epochs=0``, nothing
    frozen) and nothing frozen.

    Args:
        pretrain_classes: what the first phase learns, its classes not told apart.
        pretrain_epochs: length of the first phase.
        freeze_generator_blocks: generator blocks, of those with parameters, that are frozen for the second phase.
        freeze_discriminator_blocks: the same for the discriminator.
        pretrained: checkpoint of a GAN to start from instead of the first phase; its transformer is used too.
        kwargs: see :class:`WassersteinGAN`.
    """

    def __init__(
        self,
        pretrain_classes: ClassSelection = "majority",
        pretrain_epochs: int = 10,
        freeze_generator_blocks: int = 1,
        freeze_discriminator_blocks: int = 0,
        pretrained: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pretrain_classes = pretrain_classes
        self.pretrain_epochs = 0 if pretrained else pretrain_epochs
        self.freeze_generator_blocks = freeze_generator_blocks
        self.freeze_discriminator_blocks = freeze_discriminator_blocks
        self.pretrained = pretrained
        self.transferred = False
        self._frozen: list[nn.Module] = []
        if pretrain_epochs < 0:
            raise InputError(f"pretrain_epochs is {pretrain_epochs}: it must be at least 0.")
        if not self.pretrain_epochs and not pretrained and freeze_generator_blocks + freeze_discriminator_blocks:
            raise InputError(
                "Nothing is learnt before blocks are frozen: give pretrain_epochs or pretrained, "
                "or set freeze_generator_blocks and freeze_discriminator_blocks to 0."
            )

    @property
    def class_selection(self) -> ClassSelection:
        """Return the classes of the current phase."""
        return self.class_selections[-1 if self.transferred else 0]

    @property
    def class_selections(self) -> tuple[ClassSelection, ...]:
        """Return the classes of both phases."""
        return (self.pretrain_classes, self.classes) if self.pretrain_epochs else (self.classes,)

    @property
    def given_data_state(self) -> dict[str, Any]:
        """Return the data state of the checkpoint it starts from, if any."""
        if self.spec is None and self.pretrained:
            data_state: dict[str, Any] = read_checkpoint(self.pretrained, "gan")["gan"]["data_state"]
            return data_state
        return self.data_state

    def attach(self, spec: DataSpec, trained_classes: Sequence[int], data_state: dict[str, Any]) -> None:
        """Build the networks, and make sure that they have as many blocks as will be frozen."""
        super().attach(spec, trained_classes, data_state)
        first_blocks(self.generator, self.freeze_generator_blocks)
        first_blocks(self.discriminator, self.freeze_discriminator_blocks)

    def setup(self, stage: str) -> None:
        """Build the networks, with the weights of ``pretrained`` if it is given."""
        fresh = self.spec is None
        super().setup(stage)
        if fresh and self.pretrained:
            try:
                self.load_state_dict(read_checkpoint(self.pretrained, "gan")["state_dict"])
            except RuntimeError as error:
                raise InputError(
                    f"The networks of {self.pretrained} differ from these: use the same networks, latent_dim and data."
                ) from error

    def on_train_start(self) -> None:
        """Make sure that training is long enough to reach the second phase."""
        super().on_train_start()
        trainer = self.trainer
        epochs = trainer.max_epochs if trainer.max_epochs not in (None, -1) else float("inf")
        steps = trainer.max_steps if trainer.max_steps != -1 else float("inf")
        pretrain_steps = self.pretrain_epochs * trainer.num_training_batches - self.warmup_steps
        if not trainer.fast_dev_run and (  # type: ignore[attr-defined]
            self.pretrain_epochs >= epochs or pretrain_steps >= steps
        ):
            raise InputError(
                f"Training ends before pretrain_epochs={self.pretrain_epochs} are over: raise --trainer.max_epochs "
                "(or max_steps), or lower pretrain_epochs."
            )

    def on_train_epoch_start(self) -> None:
        """Change over to the second phase when its time has come."""
        if not self.transferred and self.current_epoch >= self.pretrain_epochs:
            self._freeze()
            self.trainer.strategy.setup_optimizers(self.trainer)

    def _freeze(self) -> None:
        self.transferred = True
        self._frozen = freeze_blocks(self.generator, self.freeze_generator_blocks)
        self._frozen += freeze_blocks(self.discriminator, self.freeze_discriminator_blocks)

    def train(self, mode: bool = True) -> MinorityTransferGAN:
        """Set the mode of all but the frozen blocks, which stay in evaluation mode."""
        super().train(mode)
        for block in self._frozen:
            block.eval()
        return self

    def sample(self, labels: Tensor, seed: int) -> Tensor:
        """Return one synthetic sample per label (see :meth:`BaseGAN.sample`).

        Raises:
            InputError: if it is still in its first phase.
        """
        if not self.transferred:
            raise InputError("This MinorityTransferGAN is still in its first phase: train past pretrain_epochs.")
        return super().sample(labels, seed)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the phase."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["gan"]["transferred"] = self.transferred

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the phase: frozen blocks must be so before optimizers are built."""
        super().on_load_checkpoint(checkpoint)
        if checkpoint["gan"]["transferred"]:
            self._freeze()
