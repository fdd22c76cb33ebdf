"""The main job: do GAN-made rows help, compared with every standard remedy on the same splits?

Data passes the rooms once, in this order: ``plan`` (what is to be run), ``run`` (one task in, its result out),
``store`` (the only one that knows files), ``analysis`` (tables and answer), ``report`` (what a person sees). ``driver``
leads it through them, and ``command`` is the subcommand.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gan_imbalance.comparison.command import compare
    from gan_imbalance.comparison.plan.remedies import Remedy
    from gan_imbalance.comparison.result import Comparison
    from gan_imbalance.comparison.training import Training, TrainingTransform

__all__ = ["Comparison", "Remedy", "Training", "TrainingTransform", "compare"]

_HOMES = {
    "Comparison": "result",
    "Remedy": "plan.remedies",
    "Training": "training",
    "TrainingTransform": "training",
    "compare": "command",
}


def __getattr__(name: str) -> Any:
    # a worker, or a sampler that is named by its path, need not load the driver and the report
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
