"""What all GANs share: one training step, exact sampling, complete checkpoints."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal, cast, get_args

import torch
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable
from pytorch_lightning.core.optimizer import LightningOptimizer
from pytorch_lightning.strategies import DDPStrategy
from pytorch_lightning.utilities.parsing import collect_init_args
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from gan_imbalance.components import factory, own, to_config
from gan_imbalance.distributed import ResumableModule, average_gradients, processes
from gan_imbalance.losses import AdversarialLoss, FeatureMatching, GradientPenalty, NonSaturatingLoss
from gan_imbalance.networks import (
    DCGANDiscriminator,
    DCGANGenerator,
    DenseDiscriminator,
    DenseGenerator,
    evaluation_mode,
)
from gan_imbalance.optimizers import AdversarialAdam
from gan_imbalance.seeding import seeded
from gan_imbalance.types import ClassSelection, DataKind, DataSpec, InputError

NetworkFactory = Callable[[DataSpec, int, int], nn.Module]
"""``generator(spec, latent_dim, num_conditions)`` or ``discriminator(spec, num_conditions, num_outputs)``."""

LatentDistribution = Literal["normal", "uniform"]
"""Of every number of the latent vector: N(0, 1) or U(-1, 1)."""

DEFAULT_NETWORKS: dict[str, tuple[NetworkFactory, NetworkFactory]] = {
    "table": (DenseGenerator, DenseDiscriminator),
    "image": (DCGANGenerator, DCGANDiscriminator),
}
"""The generator and the discriminator that suit a kind of data."""

# small enough for the activations of rows to stay in the cache of a processor, and those of images in memory
_SAMPLE_CHUNK = 2048
_SAMPLE_CHUNK_PIXELS = 2**18


class BaseGAN(ResumableModule):
    """A generator and a discriminator that train against each other, in this order within every step.

    A new GAN overrides :meth:`discriminator_objective`, :meth:`generator_objective`, or only the defaults of the
    constructor. Whether it is conditional is decided by its class (:attr:`conditional`).

    One ``training_step`` receives ``discriminator_steps`` stacked mini-batches, so that Lightning's cost is paid
    once per generator step. ``trainer.global_step`` counts generator steps.

    Args:
        generator: factory of the generator, called with (spec, latent_dim, num_conditions); None chooses by the kind
            of the data: :class:`DenseGenerator` for tables, :class:`DCGANGenerator` for images.
        discriminator: factory of the discriminator, called with (spec, num_conditions, num_outputs); None chooses.
        loss: adversarial loss.
        penalty: gradient penalty added to the discriminator's loss.
        feature_matching: term added to the generator's loss.
        latent_dim: width of the latent vector.
        latent_distribution: ``normal``, N(0, 1), or ``uniform``, U(-1, 1), of each of its numbers.
        augmentation: differentiable change of whatever the discriminator is shown in training, real or fake, from
            (n, *shape) to (n, *shape); with few images it keeps a discriminator from learning them by heart, and since
            fakes pass it too, they do not come to look augmented (Zhao et al. 2020, Differentiable Augmentation for
            Data-Efficient GAN Training, https://arxiv.org/abs/2006.10738).
        discriminator_steps: discriminator steps per generator step.
        warmup_steps: generator steps that are left out at the start, while the discriminator trains alone.
        instance_noise: standard deviation of the normal noise added to whatever the discriminator is shown in
            training, real or fake; it keeps a discriminator from learning a small data set by heart
            (Arjovsky and Bottou 2017, https://arxiv.org/abs/1701.04862, section 3).
        classes: what it learns: ``minority`` (the rarest class), ``majority``, ``all``, or a list of labels.
        generator_optimizer: called with the generator's parameters.
        discriminator_optimizer: called with the discriminator's parameters.
        scheduler: called with each of the two optimizers; sets its learning rate anew after every training step.

    Components may also be given as ``class_path`` dicts, as checkpoints and YAML hold them.
    """

    conditional: ClassVar[bool] = False
    """Whether the networks are built to be told the class (or cluster) of every sample; others ignore it."""

    kinds: ClassVar[tuple[DataKind, ...]] = get_args(DataKind)
    """The kinds of data that it can learn."""

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
        super().__init__()
        self.save_hyperparameters(_plain_init_args())
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
        self.classes = classes
        self.make_generator: NetworkFactory | None = None if generator is None else factory(generator)
        self.make_discriminator: NetworkFactory | None = None if discriminator is None else factory(discriminator)
        self.make_generator_optimizer: OptimizerCallable = factory(generator_optimizer)
        self.make_discriminator_optimizer: OptimizerCallable = factory(discriminator_optimizer)
        self.make_scheduler: LRSchedulerCallable | None = None if scheduler is None else factory(scheduler)
        self.spec: DataSpec | None = None
        self.data_state: dict[str, Any] = {}
        self.trained_classes: tuple[int, ...] = ()
        for name, least in (("latent_dim", 1), ("discriminator_steps", 1), ("warmup_steps", 0), ("instance_noise", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name)}: it must be at least {least}.")
        if latent_distribution not in get_args(LatentDistribution):
            raise InputError(f"latent_distribution is {latent_distribution!r}: give normal or uniform.")

    @property
    def given_data_state(self) -> dict[str, Any]:
        """Return the data state that training starts from: a loaded checkpoint's, or empty."""
        return self.data_state

    # -- what it learns from ------------------------------------------------------------------------------------

    @property
    def class_selection(self) -> ClassSelection:
        """Return the classes it learns at present."""
        return self.classes

    @property
    def class_selections(self) -> Sequence[ClassSelection]:
        """Return every selection that training goes through; the last one is what it can generate."""
        return (self.classes,)

    @property
    def num_outputs(self) -> int:
        """Return how many scores the discriminator gives a sample."""
        return 1

    @property
    def latent_width(self) -> int:
        """Return how wide the vector is that the generator starts from; hook for GANs that add to the noise."""
        return self.latent_dim

    def attach(self, spec: DataSpec, trained_classes: Sequence[int], data_state: dict[str, Any]) -> None:
        """Build the networks for the data at hand, or make sure that they were built for it.

        Args:
            spec: what the networks must know of the data.
            trained_classes: indices of the classes that it will be able to generate.
            data_state: the data module's plain state (transformer, schema, split hash), kept in checkpoints.

        Raises:
            InputError: if an unconditional GAN is to learn several classes, if the networks were built for other
                data, or if it, or a network, is not for this kind of data.
        """
        if spec.kind not in self.kinds:
            raise InputError(
                f"{type(self).__name__} learns {self.kinds[0]}s, but the data are {spec.kind}s: choose another GAN, "
                "such as ConditionalGAN."
            )
        if not self.conditional and len(trained_classes) != 1:
            names = ", ".join(repr(spec.classes[i]) for i in trained_classes)
            raise InputError(
                f"{type(self).__name__} is not conditional and learns one class, but classes={self.classes!r} "
                f"selects {names}: name one class, or use a conditional GAN."
            )
        if self.spec is None:
            num_conditions = self.count_conditions(spec) if self.conditional else 0
            self.spec = spec
            make_generator, make_discriminator = DEFAULT_NETWORKS[spec.kind]
            self.generator = (self.make_generator or make_generator)(spec, self.latent_width, num_conditions)
            self.discriminator = (self.make_discriminator or make_discriminator)(
                spec, self.discriminator_conditions(num_conditions), self.num_outputs
            )
            if spec.kind == "image":
                # convolutions go by their weights; up to a fifth faster on processors
                self.generator.to(memory_format=torch.channels_last)
                self.discriminator.to(memory_format=torch.channels_last)
        elif self.spec != spec or self.data_state.get("split_hash") != data_state.get("split_hash"):
            raise InputError(
                "The networks were built for other data than this (its columns, categories, classes or split "
                "differ): use the data configuration and split that they were trained with."
            )
        self.trained_classes = tuple(trained_classes)
        self.data_state = data_state

    def count_conditions(self, spec: DataSpec) -> int:
        """Return how many conditions the generator is told; hook for GANs with more than those of the data."""
        return spec.num_conditions

    def discriminator_conditions(self, num_conditions: int) -> int:
        """Return how many conditions the discriminator is told; hook for GANs that have it guess them."""
        return num_conditions

    def setup(self, stage: str) -> None:
        """Build the networks from the data module, if there is one."""
        data = getattr(self.trainer, "datamodule", None)
        if data is not None:
            self.attach(data.spec, data.resolve(self.class_selections[-1]), data.state())

    # -- training -----------------------------------------------------------------------------------------------

    def discriminator_objective(self, real: Tensor, fake: Tensor, conditions: Tensor) -> Tensor:
        """Return the discriminator's loss.

        Args:
            real: real samples, (n, *shape).
            fake: generated samples of the same conditions, without gradient, (n, *shape).
            conditions: condition of every sample, (n,).
        """
        real_scores, fake_scores = self.judge_both(self.discriminate, real, fake, conditions)
        loss = self.loss.discriminator_loss(real_scores, fake_scores)
        return loss + self.penalty_term(real, fake, conditions)

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

    def as_shown(self, x: Tensor) -> Tensor:
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
        real = self.as_shown(real.flatten(0, 1)).reshape(real.shape)
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
        # 0 is never
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
                fakes += torch.split(self.as_shown(self.generate(torch.cat(earlier))), len(last))
            # before torch 2.10, casts of weights that were kept here would pass no gradient on below
            torch.clear_autocast_cache()
        with torch.set_grad_enabled(generator_learns):
            return [*fakes, self.as_shown(self.generate(last))]

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

    # -- sampling -----------------------------------------------------------------------------------------------

    def sample(self, labels: Tensor, seed: int) -> Tensor:
        """Return one synthetic sample per label, reproducibly.

        Args:
            labels: class indices, (n,).
            seed: the same seed gives the same samples on the same device.

        Returns:
            encoded samples, (n, *shape).

        Raises:
            InputError: if a class was not among those it was trained on.
        """
        self.require_trained(labels)
        return self.sample_conditions(self.draw_conditions(labels.to(self.device), seed), seed)

    def require_trained(self, labels: Tensor) -> None:
        """Raise unless it was trained on every class of ``labels``, (n,)."""
        assert self.spec is not None, "attach() or load_gan() comes first"
        for unseen in set(labels.tolist()) - set(self.trained_classes):
            seen = ", ".join(repr(self.spec.classes[i]) for i in self.trained_classes)
            raise InputError(
                f"This {type(self).__name__} never saw class {self.spec.classes[unseen]!r}: it generates {seen}."
            )

    @torch.no_grad()
    def sample_conditions(self, conditions: Tensor, seed: int) -> Tensor:
        """Return one synthetic sample per condition (n,), with the generator in evaluation mode."""
        with evaluation_mode(self.generator), seeded(seed, self.device):
            return torch.cat([self.generate(chunk) for chunk in torch.split(conditions, self._sample_chunk)])

    @property
    def _sample_chunk(self) -> int:
        assert self.spec is not None
        return min(_SAMPLE_CHUNK, _SAMPLE_CHUNK_PIXELS // math.prod(self.spec.shape[1:]))

    def draw_conditions(self, labels: Tensor, seed: int) -> Tensor:
        """Return a condition of each label's class: itself, or one of its clusters by their weights, (n,)."""
        assert self.spec is not None
        weights = torch.zeros(len(self.spec.classes), self.spec.num_conditions)
        for condition, label in enumerate(self.spec.condition_classes):
            weights[label, condition] = self.spec.condition_weights[condition]
        return draw_by_row(weights, labels, seed)

    # -- checkpoints --------------------------------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what makes the checkpoint complete: class, data specification and state, random state."""
        super().on_save_checkpoint(checkpoint)
        assert self.spec is not None
        checkpoint["gan"] = {
            "class_path": f"{type(self).__module__}.{type(self).__qualname__}",
            "spec": self.spec.to_dict(),
            "trained_classes": list(self.trained_classes),
            "data_state": self.data_state,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Build the networks, or make sure that they fit, before their weights are loaded."""
        super().on_load_checkpoint(checkpoint)
        saved = checkpoint["gan"]
        self.attach(DataSpec.from_dict(saved["spec"]), saved["trained_classes"], saved["data_state"])


def draw_by_row(weights: Tensor, choices: Tensor, seed: int) -> Tensor:
    """Return one column per choice, as likely as the weights in the row that it names.

    Args:
        weights: on the CPU, (rows, columns).
        choices: rows of ``weights``, (n,).
        seed: of the draws.
    """
    random = torch.Generator().manual_seed(seed)
    drawn = torch.zeros_like(choices, device="cpu")
    for row in set(choices.tolist()):
        chosen = (choices == row).cpu()
        drawn[chosen] = weights[row].multinomial(int(chosen.sum()), replacement=True, generator=random)
    return drawn.to(choices.device)


def _plain_init_args() -> dict[str, Any]:
    """Return the constructor arguments of the GAN being made, those of its own class, as plain values."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    # the last level is the class itself; what it passes on to its bases it will pass on again
    *_, arguments = collect_init_args(frame.f_back, [], classes=(BaseGAN,))
    return {name: to_config(value) for name, value in arguments.items()}


def _no_closure() -> None:
    """Stand in for the closure of automatic optimization: the loss was back-propagated already."""
