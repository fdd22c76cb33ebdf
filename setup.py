"""What pyproject.toml cannot say: configs/, beside the package in a checkout, lies within it in a wheel."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["gan_imbalance*"]), "gan_imbalance.configs"],
    package_dir={"gan_imbalance.configs": "configs"},
)
