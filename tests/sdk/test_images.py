"""The image that the stacks name is the one that the SDK would choose."""

import json
from typing import Final

import pytest
from sagemaker.core import image_uris

from tests.sdk.conftest import ROOT

OURS: Final = json.loads((ROOT / "infra" / "images.json").read_text())
VERSION: Final = OURS["tag"].removesuffix("-cpu-py3")


def sdk_regions(scope: str) -> dict[str, str]:
    """The SDK's own table for this version of the image: region to account."""
    registries: dict[str, str] = image_uris.config_for_framework("sklearn")[scope]["versions"][VERSION]["registries"]
    return registries


def account_and_name(uri: str) -> tuple[str, str]:
    """ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG"""
    registry, name = uri.split("/")
    return registry.split(".")[0], name


@pytest.mark.parametrize("scope", ["training", "inference"])
def test_the_image_of_every_region_is_the_one_that_the_sdk_names(scope: str) -> None:
    regions = sorted(OURS["accounts"].keys() & sdk_regions(scope).keys())
    image = {"version": VERSION, "py_version": "py3", "instance_type": "ml.m5.large", "image_scope": scope}

    named = {region: image_uris.retrieve("sklearn", region, **image) for region in regions}

    assert len(regions) > 30
    name = f"{OURS['repository']}:{OURS['tag']}"
    assert {region: account_and_name(uri) for region, uri in named.items()} == {
        region: (OURS["accounts"][region], name) for region in regions
    }


def test_xgboosts_image_lies_in_the_same_registries() -> None:
    versions = image_uris.config_for_framework("xgboost")["training"]["versions"]
    published = versions[OURS["boosting_tag"]]
    assert published["repository"] == OURS["boosting_repository"]
    assert {region: published["registries"].get(region) for region in OURS["accounts"]} == OURS["accounts"]


@pytest.mark.parametrize("scope", ["training", "inference"])
def test_no_region_of_the_sdk_is_missing(scope: str) -> None:
    assert sdk_regions(scope).keys() - OURS["accounts"].keys() == set()
