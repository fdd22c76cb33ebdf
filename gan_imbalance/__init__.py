"""Do GAN-made minority samples help your classifier?

Public names are imported when they are first used, so that ``import gan_imbalance`` stays quick.
"""

from importlib import import_module
from typing import Any

_PUBLIC = {
    "CIFAR10DataModule": "data",
    "Classifier": "classifiers",
    "Comparison": "comparison",
    "DigitsDataModule": "data",
    "GANOverSampler": "oversampling",
    "ImageOverSampler": "oversampling",
    "ImageClassifier": "classifiers",
    "ImageDataModule": "data",
    "ImageSet": "data",
    "InputError": "types",
    "MixedDataModule": "data",
    "Remedy": "comparison",
    "SAMME": "classifiers",
    "SyntheticImages": "data",
    "SyntheticSet": "types",
    "TableClassifier": "classifiers",
    "TabularDiffusion": "generators",
    "TabularDataModule": "data",
    "TabularTransformer": "transforms",
    "compare": "comparison",
    "evaluate": "evaluation",
    "load_gan": "synthesis",
    "load_generator": "synthesis",
    "synthesize": "synthesis",
}
__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'gan_imbalance' has no attribute {name!r}")
    return getattr(import_module(f"gan_imbalance.{_PUBLIC[name]}"), name)
