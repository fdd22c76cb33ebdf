"""The kinds of data, each with all that differs between them, by name; a further kind registers itself here.

Classes are named by their paths, so that nothing is imported before it is needed, and so that the parts of a kind may
lie wherever they belong.
"""

from __future__ import annotations

from typing import NamedTuple

from gan_imbalance.types import InputError


class Kind(NamedTuple):
    """A kind of data.

    Attributes:
        name: as :class:`~gan_imbalance.types.DataSpec` and files have it.
        synthesis: class path of what turns encoded samples into those of the input's form: see
            :class:`~gan_imbalance.synthesis.synthesize.Synthesis`.
        adapter: class path of how a comparison handles samples: see
            :class:`~gan_imbalance.comparison.adapters.DataAdapter`.
        generator: class path of the generator that a GAN takes if none is named; "" if one must be.
        discriminator: the same of the discriminator.
        remedies: path of the :class:`~gan_imbalance.comparison.plan.catalogue.Offer` of remedies that have a name.
        classifiers: path of the classifiers that learn where a configuration names none, by name.
        samples_page: path of the function that shows synthetic samples on a page: see
            :func:`~gan_imbalance.synthesis.images.write_image_page`; "" if none does.
    """

    name: str
    synthesis: str
    adapter: str
    generator: str = ""
    discriminator: str = ""
    remedies: str = "gan_imbalance.comparison.plan.catalogue.ANY_KIND"
    classifiers: str = "gan_imbalance.comparison.plan.planning.TABLE_CLASSIFIERS"
    samples_page: str = ""


_KINDS: dict[str, Kind] = {}


def register_kind(kind: Kind) -> None:
    """Make a kind of data known under its name; a later one of the same name takes its place."""
    _KINDS[kind.name] = kind


def find_kind(name: str) -> Kind:
    """Return a kind by its name.

    Raises:
        InputError: if none of that name is registered.
    """
    if name not in _KINDS:
        raise InputError(
            f"No kind of data is called {name!r}: import the package that registers it (known are {', '.join(_KINDS)})."
        )
    return _KINDS[name]


register_kind(
    Kind(
        "table",
        synthesis="gan_imbalance.synthesis.tables.TableSynthesis",
        adapter="gan_imbalance.comparison.adapters.tables.TableAdapter",
        generator="gan_imbalance.networks.DenseGenerator",
        discriminator="gan_imbalance.networks.DenseDiscriminator",
        remedies="gan_imbalance.comparison.plan.catalogue.TABLES",
    )
)
register_kind(
    Kind(
        "image",
        synthesis="gan_imbalance.synthesis.images.ImageSynthesis",
        adapter="gan_imbalance.comparison.adapters.images.ImageAdapter",
        generator="gan_imbalance.networks.DCGANGenerator",
        discriminator="gan_imbalance.networks.DCGANDiscriminator",
        remedies="gan_imbalance.comparison.plan.catalogue.IMAGES",
        classifiers="gan_imbalance.comparison.plan.planning.IMAGE_CLASSIFIERS",
        samples_page="gan_imbalance.synthesis.images.write_image_page",
    )
)
register_kind(
    Kind(
        "series",
        synthesis="gan_imbalance.synthesis.series.SeriesSynthesis",
        adapter="gan_imbalance.comparison.adapters.series.SeriesAdapter",
        generator="gan_imbalance.networks.TemporalGenerator",
        discriminator="gan_imbalance.networks.TemporalDiscriminator",
        remedies="gan_imbalance.comparison.plan.catalogue.SERIES",
        classifiers="gan_imbalance.comparison.plan.planning.SERIES_CLASSIFIERS",
    )
)
