"""The minority-transfer GAN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from gan_imbalance.checkpoints import load_module, read_module, telling_damage
from gan_imbalance.components import factory, own
from gan_imbalance.files import content_hash
from gan_imbalance.gans.wasserstein import WassersteinGAN
from gan_imbalance.losses import MajorityPenalty
from gan_imbalance.modules import data_of
from gan_imbalance.networks import first_blocks, freeze_blocks
from gan_imbalance.trust import DATA, Gate, Place, packages_of
from gan_imbalance.types import ClassSelection, DataSpec, InputError


class MinorityTransferGAN(WassersteinGAN):
    """Learns the plentiful classes first, keeps its early blocks, and fine-tunes the rest on the rare class.

    The SMate idea with any loss: after ``pretrain_epochs`` on ``pretrain_classes`` (or from the checkpoint
    ``pretrained``), the first blocks are frozen, optimizers start anew on what is left, and training goes on with
    ``classes``. The phase is part of the checkpoint. Controls: from scratch (``pretrain_epochs=0``, nothing
    frozen) and nothing frozen.

    By default the loss, its penalty and the discriminator steps are those of :class:`WassersteinGAN`; SMate itself has
    ``NonSaturatingLoss``, no penalty, one discriminator step and uniform latent vectors.

    Args:
        pretrain_classes: what the first phase learns, as one class.
        pretrain_epochs: length of the first phase.
        freeze_generator_blocks: generator blocks, of those with parameters, that are frozen for the second phase.
        freeze_discriminator_blocks: the same for the discriminator.
        pretrained: checkpoint of a GAN to start from instead of the first phase; its transformer is used too.
        minority_augmentation: change of the real samples of the second phase, from (n, *shape) to (n, *shape), drawn
            anew at every step. The generator learns to make what comes out, so it has to look real; for changes that
            generated samples shall not show there is ``augmentation``.
        majority_penalty: term of the generator's loss in the second phase, against samples that a classifier takes for
            other classes. The classifier sees what the discriminator is shown: with an ``augmentation``, patterns that
            deceive it from one view only do not pay.
        kwargs: see :class:`WassersteinGAN`.

    Example:
        One epoch of the plentiful class, then one of the rare one with the first block of the generator frozen:

        >>> from pytorch_lightning import Trainer
        >>> from gan_imbalance import MinorityTransferGAN, TabularDataModule
        >>> data = TabularDataModule(bundled="breast_cancer", steps_per_epoch=3)
        >>> gan = MinorityTransferGAN(pretrain_epochs=1, freeze_generator_blocks=1)
        >>> trainer = Trainer(max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False,
        ...                   enable_progress_bar=False, enable_model_summary=False)
        >>> trainer.fit(gan, data)
        >>> [name for name, parameter in gan.generator.named_parameters() if not parameter.requires_grad]
        ['blocks.0.layers.0.weight', 'blocks.0.layers.0.bias']
    """

    _class_of_condition: Tensor

    def __init__(
        self,
        pretrain_classes: ClassSelection = "majority",
        pretrain_epochs: int = 10,
        freeze_generator_blocks: int = 1,
        freeze_discriminator_blocks: int = 0,
        pretrained: str | None = None,
        minority_augmentation: nn.Module | None = None,
        majority_penalty: MajorityPenalty | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pretrain_classes = pretrain_classes
        self.pretrain_epochs = 0 if pretrained else pretrain_epochs
        self.freeze_generator_blocks = freeze_generator_blocks
        self.freeze_discriminator_blocks = freeze_discriminator_blocks
        self.pretrained = pretrained
        self.minority_augmentation: nn.Module | None = own(minority_augmentation)
        self.majority_penalty: MajorityPenalty | None = own(majority_penalty)
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
        if self.pretrained and not self.is_built:
            data_state: dict[str, Any] = read_module(self.pretrained, "generator")["generator"]["data_state"]
            Gate(self.pretrained).admit(data_state, DATA)
            return data_state
        return self.data_state

    def build_networks(self, spec: DataSpec, num_conditions: int) -> None:
        """Build the networks, and make sure that they have as many blocks as will be frozen."""
        super().build_networks(spec, num_conditions)
        first_blocks(self.generator, self.freeze_generator_blocks)
        first_blocks(self.discriminator, self.freeze_discriminator_blocks)
        self.register_buffer("_class_of_condition", torch.tensor(spec.condition_classes), persistent=False)

    def setup(self, stage: str) -> None:
        """Read the penalty's classifier."""
        penalty, data = self.majority_penalty, data_of(self)
        if stage == "fit" and penalty is not None and penalty.classifier is None:
            if penalty.classifier_path is None:
                raise InputError("majority_penalty has no classifier: give its classifier_path, or set its classifier.")
            penalty.classifier = _read_classifier(penalty.classifier_path, data.spec, data.state(), self.hparams)

    def configure_model(self) -> None:
        """Build the networks, with the weights of ``pretrained`` if it is given."""
        was_built = self.is_built
        super().configure_model()
        if self.pretrained and self.is_built and not was_built:
            self._start_from(self.pretrained)

    def _start_from(self, path: str) -> None:
        state = read_module(path, "generator")["state_dict"]
        try:
            self.generator.load_state_dict(_part(state, "generator."))
            self.discriminator.load_state_dict(_part(state, "discriminator."))
        except RuntimeError as error:
            raise InputError(
                f"The networks of {path} differ from these: use the same networks, latent_dim and data."
            ) from error

    def on_train_start(self) -> None:
        """Make sure that training is long enough for the second phase, and take the penalty's classifier along."""
        super().on_train_start()
        if self.majority_penalty is not None and self.majority_penalty.classifier is not None:
            # it is no part of this module, which else would have moved it
            self.majority_penalty.classifier.to(self.device, self.dtype)  # type: ignore[arg-type]
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

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        """Take the steps of :meth:`BaseGAN.training_step`; in the second phase with augmented real samples."""
        real, conditions = batch
        if self.transferred and self.minority_augmentation is not None:
            with torch.no_grad():
                real = self.minority_augmentation(real.flatten(0, 1)).reshape(real.shape)
        return super().training_step((real, conditions), batch_idx)

    def generator_objective(self, real: Tensor, fake: Tensor, conditions: Tensor) -> Tensor:
        """Return the generator's loss; in the second phase with the majority penalty."""
        loss = super().generator_objective(real, fake, conditions)
        if not self.transferred or self.majority_penalty is None:
            return loss
        penalty: Tensor = self.majority_penalty(fake, self._class_of_condition[conditions])
        return loss + penalty

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
        if self.pretrain_epochs and not self.transferred:
            raise InputError("This MinorityTransferGAN is still in its first phase: train past pretrain_epochs.")
        return super().sample(labels, seed)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the phase."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["generator"]["transferred"] = self.transferred

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the phase: frozen blocks must be so before optimizers are built."""
        super().on_load_checkpoint(checkpoint)
        if checkpoint["generator"]["transferred"]:
            self._freeze()


def _read_classifier(path: str, spec: DataSpec, data_state: dict[str, Any], settings: Any) -> nn.Module:
    """Return the network of a classifier that was trained on the training samples of the same data, for its logits.

    Packages that the GAN's own settings name are trusted.

    Raises:
        InputError: if there is none, its network is not trusted, or it has learnt from other data, test samples maybe
            among them.
    """
    checkpoint = read_module(path, "classifier")
    with telling_damage(path):
        learnt = DataSpec.from_dict(checkpoint["classifier"]["spec"])
    same_form = (learnt.shape, learnt.spans, learnt.classes) == (spec.shape, spec.spans, spec.classes)
    if not same_form or content_hash(checkpoint["classifier"]["data_state"]) != content_hash(data_state):
        raise InputError(
            f"The classifier of {path} was trained on other data than this (its form, encoding, classes or split "
            "differ): train it with the data settings of the GAN, so that it knows the same training samples."
        )
    with telling_damage(path):
        config = checkpoint["hyper_parameters"]["network"]
        Gate(path, packages_of(settings)).admit(config, Place((nn.Module,), by_name=True))
        state = {"state_dict": _part(checkpoint["state_dict"], "network.")}
        network: nn.Module = load_module(lambda: factory(config)(learnt), state, path)
        return network


def _part(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with ``prefix``, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
