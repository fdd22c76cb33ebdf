"""Do GAN-made minority samples help your classifier?

Public names are imported when they are first used, so that ``import gan_imbalance`` stays quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# where each public name is imported from: `evaluate` and `synthesize` from their own modules, which have their names
_HOMES = {
    "AuxiliaryClassifierGAN": "gans",
    "BaseGAN": "gans",
    "BaseGenerator": "generators",
    "CIFAR10DataModule": "data",
    "Classifier": "classifiers",
    "Comparison": "comparison",
    "ConditionalGAN": "gans",
    "ConditionalTabularGAN": "gans",
    "ConditionalWassersteinGAN": "gans",
    "CramerGAN": "gans",
    "CrossFittedEnsemble": "distillation",
    "DTWClassifier": "classifiers",
    "DTWSMOTE": "oversampling",
    "DigitsDataModule": "data",
    "DistilledClassifier": "distillation",
    "Evaluation": "evaluation",
    "GAN": "gans",
    "GANOverSampler": "oversampling",
    "ImageClassifier": "classifiers",
    "ImageDataModule": "data",
    "ImageOverSampler": "oversampling",
    "ImageSet": "data",
    "InfoGAN": "gans",
    "InputError": "types",
    "JitterSeriesSampler": "oversampling",
    "MiniRocketClassifier": "classifiers",
    "MinorityTransferGAN": "gans",
    "MixedDataModule": "data",
    "MomentMatchingGAN": "gans",
    "OneHotGAN": "gans",
    "Remedy": "comparison",
    "SAMME": "classifiers",
    "SeriesSet": "data",
    "SeriesClassifier": "classifiers",
    "SeriesSMOTE": "oversampling",
    "SyntheticImages": "data",
    "SyntheticSeries": "data",
    "SyntheticSet": "types",
    "TableClassifier": "classifiers",
    "TableOverSampler": "oversampling",
    "TabularDataModule": "data",
    "TabularDiffusion": "generators",
    "TabularTransformer": "transforms",
    "TimeSeriesDataModule": "data",
    "TimeSeriesOverSampler": "oversampling",
    "TimeWarpSampler": "oversampling",
    "WassersteinGAN": "gans",
    "compare": "comparison",
    "evaluate": "evaluation.evaluate",
    "load_gan": "synthesis",
    "load_generator": "synthesis",
    "synthesize": "synthesis.synthesize",
}
__all__ = sorted(_HOMES)

# type checkers and editors read the imports, and would take any name for one of ours if they saw __getattr__
if TYPE_CHECKING:
    from gan_imbalance.classifiers import SAMME as SAMME
    from gan_imbalance.classifiers import Classifier as Classifier
    from gan_imbalance.classifiers import DTWClassifier as DTWClassifier
    from gan_imbalance.classifiers import ImageClassifier as ImageClassifier
    from gan_imbalance.classifiers import MiniRocketClassifier as MiniRocketClassifier
    from gan_imbalance.classifiers import SeriesClassifier as SeriesClassifier
    from gan_imbalance.classifiers import TableClassifier as TableClassifier
    from gan_imbalance.comparison import Comparison as Comparison
    from gan_imbalance.comparison import Remedy as Remedy
    from gan_imbalance.comparison import compare as compare
    from gan_imbalance.data import CIFAR10DataModule as CIFAR10DataModule
    from gan_imbalance.data import DigitsDataModule as DigitsDataModule
    from gan_imbalance.data import ImageDataModule as ImageDataModule
    from gan_imbalance.data import ImageSet as ImageSet
    from gan_imbalance.data import MixedDataModule as MixedDataModule
    from gan_imbalance.data import SeriesSet as SeriesSet
    from gan_imbalance.data import SyntheticImages as SyntheticImages
    from gan_imbalance.data import SyntheticSeries as SyntheticSeries
    from gan_imbalance.data import TabularDataModule as TabularDataModule
    from gan_imbalance.data import TimeSeriesDataModule as TimeSeriesDataModule
    from gan_imbalance.distillation import CrossFittedEnsemble as CrossFittedEnsemble
    from gan_imbalance.distillation import DistilledClassifier as DistilledClassifier
    from gan_imbalance.evaluation import Evaluation as Evaluation
    from gan_imbalance.evaluation.evaluate import evaluate as evaluate
    from gan_imbalance.gans import GAN as GAN
    from gan_imbalance.gans import AuxiliaryClassifierGAN as AuxiliaryClassifierGAN
    from gan_imbalance.gans import BaseGAN as BaseGAN
    from gan_imbalance.gans import ConditionalGAN as ConditionalGAN
    from gan_imbalance.gans import ConditionalTabularGAN as ConditionalTabularGAN
    from gan_imbalance.gans import ConditionalWassersteinGAN as ConditionalWassersteinGAN
    from gan_imbalance.gans import CramerGAN as CramerGAN
    from gan_imbalance.gans import InfoGAN as InfoGAN
    from gan_imbalance.gans import MinorityTransferGAN as MinorityTransferGAN
    from gan_imbalance.gans import MomentMatchingGAN as MomentMatchingGAN
    from gan_imbalance.gans import OneHotGAN as OneHotGAN
    from gan_imbalance.gans import WassersteinGAN as WassersteinGAN
    from gan_imbalance.generators import BaseGenerator as BaseGenerator
    from gan_imbalance.generators import TabularDiffusion as TabularDiffusion
    from gan_imbalance.oversampling import DTWSMOTE as DTWSMOTE
    from gan_imbalance.oversampling import GANOverSampler as GANOverSampler
    from gan_imbalance.oversampling import ImageOverSampler as ImageOverSampler
    from gan_imbalance.oversampling import JitterSeriesSampler as JitterSeriesSampler
    from gan_imbalance.oversampling import SeriesSMOTE as SeriesSMOTE
    from gan_imbalance.oversampling import TableOverSampler as TableOverSampler
    from gan_imbalance.oversampling import TimeSeriesOverSampler as TimeSeriesOverSampler
    from gan_imbalance.oversampling import TimeWarpSampler as TimeWarpSampler
    from gan_imbalance.synthesis import load_gan as load_gan
    from gan_imbalance.synthesis import load_generator as load_generator
    from gan_imbalance.synthesis.synthesize import synthesize as synthesize
    from gan_imbalance.transforms import TabularTransformer as TabularTransformer
    from gan_imbalance.types import InputError as InputError
    from gan_imbalance.types import SyntheticSet as SyntheticSet

    __version__: str
else:

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            return import_module("importlib.metadata").version("gan-imbalance")
        if name not in _HOMES:
            raise AttributeError(f"module 'gan_imbalance' has no attribute {name!r}")
        return getattr(import_module(f"gan_imbalance.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
