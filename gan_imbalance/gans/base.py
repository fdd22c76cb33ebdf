"""What all GANs share: one training step, exact sampling, complete checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, cast, get_args

import torch
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable
from pytorch_lightning.core.optimizer import LightningOptimizer
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from gan_imbalance.components import factory, import_class, own
from gan_imbalance.distributed import average_gradients, processes
from gan_imbalance.generators.base import BaseGenerator
from gan_imbalance.kinds import find_kind
from gan_imbalance.losses import AdversarialLoss, FeatureMatching, GradientPenalty, NonSaturatingLoss
from gan_imbalance.optimizers import AdversarialAdam
from gan_imbalance.types import IMAGE_AXES, ClassSelection, DataSpec, InputError

NetworkFactory = Callable[[DataSpec, int, int], nn.Module]
"""``generator(spec, latent_dim, num_conditions)`` or ``discriminator(spec, num_conditions, num_outputs)``."""

LatentDistribution = Literal["normal", "uniform"]
"""Of every number of the latent vector: N(0, 1) or U(-1, 1)."""


class BaseGAN(BaseGenerator):
    """A generator and a discriminator that train against each other, in this order within every step.

    A new GAN overrides :meth:`discriminator_objective`, :meth:`generator_objective`, or only the defaults of the
    constructor. Whether it is conditional is decided by its class (:attr:`conditional`).

    One ``training_step`` receives ``discriminator_steps`` stacked mini-batches, so that Lightning's cost is paid
    once per generator step. ``trainer.global_step`` counts generator steps.

    Args:
        generator: factory of the generator, called with (spec, latent_dim, num_conditions); None chooses by the kind
            of the data: :class:`~gan_imbalance.networks.DenseGenerator` for tables,
            :class:`~gan_imbalance.networks.DCGANGenerator` for images,
            :class:`~gan_imbalance.networks.TemporalGenerator` for series.
        discriminator: factory of the discriminator, called with (spec, num_conditions, num_outputs); None chooses.
        loss: adversarial loss.
        penalty: gradient penalty added to the discriminator's loss.
        feature_matching: term added to the generator's loss.
        latent_dim: width of the latent vector.
        latent_distribution: ``normal``, N(0, 1), or ``uniform``, U(-1, 1), of each of its numbers.
        augmentation: differentiable change of whatever the discriminator is shown in training, real or fake, from
            (n, *shape) to (n, *shape); with few images it keeps a discriminator from memorising them, and since
            fakes pass it too, they do not come to look augmented (Zhao et al. 2020, Differentiable Augmentation for
            Data-Efficient GAN Training, https://arxiv.org/abs/2006.10738).
        discriminator_steps: discriminator steps per generator step.
        warmup_steps: generator steps that are left out at the start, while the discriminator trains alone.
        instance_noise: standard deviation of the normal noise added to whatever the discriminator is shown in
            training, real or fake; it keeps a discriminator from memorising a small data set
            (Arjovsky and Bottou 2017, https://arxiv.org/abs/1701.04862, section 3).
        classes: what it learns: ``minority`` (the rarest class), ``majority``, ``all``, or a list of labels.
        generator_optimizer: called with the generator's parameters.
        discriminator_optimizer: called with the discriminator's parameters.
        scheduler: called with each of the two optimizers; sets its learning rate anew after every training step.

    Components may also be given as ``class_path`` dicts, as checkpoints and YAML hold them.
    """

    generator: nn.Module
    discriminator: nn.Module

    def __init__(
        self,
        generator: NetworkFactory | None = None,
        discriminator: NetworkFactory | None = None,
        loss: AdversarialLoss = NonSaturatingLoss(),
        penalty: GradientPenalty | None = None,
        feature_matching: FeatureMatching | None = None,
        latent_dim: int = 32,
        latent_distribution: LatentDistribution = "normal",
        augmentation: nn.Module | None = None,
        discriminator_steps: int = 1,
        warmup_steps: int = 0,
        instance_noise: float = 0.0,
        classes: ClassSelection = "minority",
        generator_optimizer: OptimizerCallable = AdversarialAdam,
        discriminator_optimizer: OptimizerCallable = AdversarialAdam,
        scheduler: LRSchedulerCallable | None = None,
    ) -> None:
        super().__init__(classes)
        self.automatic_optimization = False
        self.loss: AdversarialLoss = own(loss)
        self.penalty: GradientPenalty | None = own(penalty)
        self.feature_matching: FeatureMatching | None = own(feature_matching)
        self.augmentation: nn.Module | None = own(augmentation)
        self.latent_dim = latent_dim
        self.latent_distribution = latent_distribution
        self.discriminator_steps = discriminator_steps
        self.warmup_steps = warmup_steps
        self.instance_noise = instance_noise
        self.make_generator: NetworkFactory | None = None if generator is None else factory(generator)
        self.make_discriminator: NetworkFactory | None = None if discriminator is None else factory(discriminator)
        self.make_generator_optimizer: OptimizerCallable = factory(generator_optimizer)
        self.make_discriminator_optimizer: OptimizerCallable = factory(discriminator_optimizer)
        self.make_scheduler: LRSchedulerCallable | None = None if scheduler is None else factory(scheduler)
        for name, least in (("latent_dim", 1), ("discriminator_steps", 1), ("warmup_steps", 0), ("instance_noise", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name)}: it must be at least {least}.")
        if latent_distribution not in get_args(LatentDistribution):
            raise InputError(f"latent_distribution is {latent_distribution!r}: give normal or uniform.")

    @property
    def ema_target(self) -> nn.Module:
        """The generator."""
        return self.generator

    @property
    def batches_per_step(self) -> int:
        """Return the number of discriminator steps, each of which sees a batch of its own."""
        return self.discriminator_steps

    @property
    def num_outputs(self) -> int:
        """Return how many scores the discriminator gives a sample."""
        return 1

    @property
    def latent_width(self) -> int:
        """Return how wide the vector is that the generator starts from; hook for GANs that add to the noise."""
        return self.latent_dim

    def build_networks(self, spec: DataSpec, num_conditions: int) -> None:
        """Build the generator and the discriminator."""
        make_generator = self.make_generator or _default(spec, "generator")
        make_discriminator = self.make_discriminator or _default(spec, "discriminator")
        self.generator = make_generator(spec, self.latent_width, num_conditions)
        conditions = self.discriminator_conditions(num_conditions)
        self.discriminator = make_discriminator(spec, conditions, self.num_outputs)
        if len(spec.shape) == IMAGE_AXES:
            # convolutions go by their weights; up to a fifth faster on processors
            self.generator.to(memory_format=torch.channels_last)
            self.discriminator.to(memory_format=torch.channels_last)

    def discriminator_conditions(self, num_conditions: int) -> int:
        """Return how many conditions the discriminator is given; hook for GANs that have it guess them."""
        return num_conditions

    # -- training -----------------------------------------------------------------------------------------------

    def discriminator_objective(self, real: Tensor, fake: Tensor, conditions: Tensor) -> Tensor:
        """Return the discriminator's loss.

        Args:
            real: real samples, (n, *shape).
            fake: generated samples of the same conditions, without gradient, (n, *shape).
            conditions: condition of every sample, (n,).
        """
        # first, since autograd goes backwards and then adds its gradients to those of the scores in place
        penalty = self.penalty_term(real, fake, conditions)
        real_scores, fake_scores = self.judge_both(self.discriminate, real, fake, conditions)
        return self.loss.discriminator_loss(real_scores, fake_scores) + penalty

    def generator_objective(self, real: Tensor, fake: Tensor, conditions: Tensor) -> Tensor:
        """Return the generator's loss.

        Args:
            real: real samples, (n, *shape).
            fake: generated samples of the same conditions, with gradient, (n, *shape).
            conditions: condition of every sample, (n,).
        """
        loss = self.loss.generator_loss(self.discriminate(fake, conditions))
        return loss + self.feature_matching_term(real, fake, conditions)

    def judge_both(
        self, judge: Callable[[Tensor, Tensor], Tensor], real: Tensor, fake: Tensor, conditions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return what ``judge(x, conditions)`` makes of real samples and of fakes.

        Both go through the network at once, unless it judges a sample by the others of its batch.
        """
        if getattr(self.discriminator, "compares_samples", False):
            return judge(real, conditions), judge(fake, conditions)
        real_out, fake_out = judge(torch.cat([real, fake]), torch.cat([conditions, conditions])).chunk(2)
        return real_out, fake_out

    def penalty_term(self, real: Tensor, fake: Tensor, conditions: Tensor) -> Tensor | float:
        """Return the optional gradient penalty of the discriminator's loss."""
        if self.penalty is None:
            return 0.0
        return cast(Tensor, self.penalty(lambda x: self.discriminate(x, conditions), real, fake))

    def feature_matching_term(self, real: Tensor, fake: Tensor, conditions: Tensor) -> Tensor | float:
        """Return the optional feature-matching term of the generator's loss."""
        if self.feature_matching is None:
            return 0.0
        features = cast(Callable[..., Tensor], self.discriminator.features)
        with torch.no_grad():
            real_features = features(real, conditions)
        return cast(Tensor, self.feature_matching(real_features, features(fake, conditions)))

    def discriminate(self, x: Tensor, conditions: Tensor) -> Tensor:
        """Return the discriminator's scores of samples (n, *shape)."""
        return self.discriminator(x, conditions)  # type: ignore[no-any-return]

    def generate(self, conditions: Tensor) -> Tensor:
        """Return one new sample per condition (n,), from the global random state: (n, *shape)."""
        return self.generator(self.draw_latent(conditions), conditions)  # type: ignore[no-any-return]

    def draw_latent(self, conditions: Tensor) -> Tensor:
        """Return one latent vector per condition (n,), from the global random state: (n, latent_dim)."""
        shape = len(conditions), self.latent_dim
        if self.latent_distribution == "uniform":
            return 2 * torch.rand(shape, device=conditions.device) - 1
        return torch.randn(shape, device=conditions.device)

    def discriminator_input(self, x: Tensor) -> Tensor:
        """Return samples (n, *shape) as the discriminator is shown them in training: augmented, and with noise."""
        if self.augmentation is not None:
            x = self.augmentation(x)
        return x + self.instance_noise * torch.randn_like(x) if self.instance_noise else x

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        """Take ``discriminator_steps`` steps with the discriminator, then one with the generator.

        Args:
            batch: real samples (discriminator_steps, n, *shape) and their conditions (discriminator_steps, n).
            batch_idx: number of the batch in its epoch.
        """
        real, conditions = batch
        generator_optimizer, discriminator_optimizer = cast(list[LightningOptimizer], self.optimizers())
        generator_learns = self.batches_seen >= self.warmup_steps
        fakes = self.training_fakes(conditions, generator_learns)
        real = self.discriminator_input(real.flatten(0, 1)).reshape(real.shape)
        with self.toggled_optimizer(discriminator_optimizer):
            for real_k, fake_k, conditions_k in zip(real, fakes, conditions, strict=True):
                discriminator_loss = self.discriminator_objective(real_k, fake_k.detach(), conditions_k)
                discriminator_optimizer.zero_grad()
                self.manual_backward(discriminator_loss)
                # not `discriminator_optimizer.step()`, which Lightning would count as a step of its own
                self.trainer.strategy.optimizer_step(discriminator_optimizer.optimizer, _no_closure)
                self.loss.constrain(self.discriminator)
                # in mixed precision, where casts of weights may be kept for the whole step, these are out of date
                torch.clear_autocast_cache()
        losses = {"train/discriminator_loss": discriminator_loss.detach()}
        if generator_learns:
            with self.toggled_optimizer(generator_optimizer):
                generator_loss = self.generator_objective(real_k, fake_k, conditions_k)
                generator_optimizer.zero_grad()
                self.manual_backward(generator_loss)
                generator_optimizer.step()
            losses["train/generator_loss"] = generator_loss.detach()
        if self.make_scheduler is not None:
            for scheduler in cast(list[LRScheduler], self.lr_schedulers()):
                scheduler.step()
        every = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        # a trainer that logs every 0 steps never logs
        if every and (self.batches_seen + 1) % every == 0:
            self.log_dict(losses, prog_bar=True)
        return losses

    def training_fakes(self, conditions: Tensor, generator_learns: bool) -> list[Tensor]:
        """Return the fakes of all mini-batches of a step, each (n, *shape).

        The last ones, with a gradient if the generator learns, serve both networks: the generator is the same until
        its own step, so that other fakes would only be other draws.

        Args:
            conditions: of all mini-batches, (discriminator_steps, n).
            generator_learns: whether the generator takes a step.
        """
        *earlier, last = conditions
        fakes: list[Tensor] = []
        if earlier:
            with torch.no_grad():
                fakes += torch.split(self.discriminator_input(self.generate(torch.cat(earlier))), len(last))
            # before torch 2.10, casts of weights that were kept here would pass no gradient on below
            torch.clear_autocast_cache()
        with torch.set_grad_enabled(generator_learns):
            return [*fakes, self.discriminator_input(self.generate(last))]

    def manual_backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Back-propagate a loss, and average over all processes the gradients of what is being trained.

        DDP's own exchange would, at every backward pass, send the gradients of both networks, frozen blocks included.
        Here only those go out that the next step of an optimizer will use, in one message; so neither unused parameters
        nor ones that are frozen or unfrozen on the way need care, and strategy ``ddp`` will do.
        """
        strategy = self.trainer.strategy
        if not isinstance(strategy, DDPStrategy):
            super().manual_backward(loss, *args, **kwargs)
            return
        with strategy.block_backward_sync():
            super().manual_backward(loss, *args, **kwargs)
        groups = [group for optimizer in self.trainer.optimizers for group in optimizer.param_groups]
        average_gradients((one for group in groups for one in group["params"]), processes(self))

    @property
    def batches_seen(self) -> int:
        """Return how many training steps came before this one, over all epochs and resumed runs."""
        return self.trainer.fit_loop.epoch_loop.total_batch_idx

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        """Return the discriminator's scores of real validation samples and of as many fakes.

        Packing discriminators judge whole packs; a rest too small for one is left out.
        """
        real, conditions = batch
        packing = getattr(self.discriminator, "packing", 1)
        whole = len(real) - len(real) % packing
        real, conditions = real[:whole], conditions[:whole]
        fake = self.sample_conditions(conditions, seed=0)
        return {
            "real_scores": self.discriminate(real, conditions),
            "fake_scores": self.discriminate(fake, conditions),
        }

    def configure_optimizers(self) -> tuple[list[Optimizer], list[Any]]:
        """Return the generator's optimizer and the discriminator's, over what is not frozen, and their schedulers."""
        trained_generator = [p for p in self.generator.parameters() if p.requires_grad]
        trained_discriminator = [p for p in self.discriminator.parameters() if p.requires_grad]
        optimizers = [
            self.make_generator_optimizer(trained_generator),
            self.make_discriminator_optimizer(trained_discriminator),
        ]
        return optimizers, [self.make_scheduler(one) for one in optimizers] if self.make_scheduler else []


def _default(spec: DataSpec, network: str) -> NetworkFactory:
    """Return the network that suits the kind of data."""
    class_path = getattr(find_kind(spec.kind), network)
    if not class_path:
        raise InputError(f"No {network} suits data of the kind {spec.kind!r} by default: name one.")
    return import_class(class_path)


def _no_closure() -> None:
    """Stand in for the closure of automatic optimization: the loss was back-propagated already."""
