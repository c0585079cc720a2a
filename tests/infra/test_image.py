"""Where the official image lies: in a known registry, or nowhere with a clear word."""

from __future__ import annotations

import re

import pytest

from infra.parts.images import Image, UnknownRegion
from retide.cli import places
from tests.infra.conftest import Templates


def test_every_account_is_one_and_the_version_is_the_one_that_jobs_are_locked_to() -> None:
    image = Image.load()
    assert (image.repository, image.tag) == ("sagemaker-scikit-learn", "1.9-0-cpu-py3")
    assert f"{image.boosting_repository}:{image.boosting_tag}" == places.BOOSTING_IMAGE
    assert all(re.fullmatch(r"\d{12}", account) for account in image.accounts.values())
    assert image.accounts["us-east-1"] == "683313688378"


def test_a_region_without_the_image_is_refused_by_name() -> None:
    with pytest.raises(UnknownRegion, match="'mars-north-1'"):
        Image.load().check("mars-north-1")
    Image.load().check("eu-central-1")


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1"])
def test_a_region_of_another_partition_is_refused_before_anything_is_synthesised(region: str) -> None:
    with pytest.raises(UnknownRegion, match=f"'{region}' lies outside the partition"):
        Image.load().check(region)


def test_templates_hold_the_account_of_every_region(templates: Templates) -> None:
    (mapping,) = templates.parts["retraining"]["Mappings"].values()
    assert {region: entry["account"] for region, entry in mapping.items()} == dict(Image.load().accounts)
