from dataclasses import replace

import numpy as np
import pytest

from skinlab.engines import agreement
from skinlab.errors import EngineError
from skinlab.networks import timm_network
from skinlab.networks.timm_map import FeatureMap
from tests.engines.torch.cases import MEAN, STD, plan


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("test_resnet", FeatureMap("features", channels_last=False, prefix=0)),
        ("test_vit", FeatureMap("last block", channels_last=True, prefix=1)),
        ("test_mambaout", FeatureMap("features", channels_last=True, prefix=0)),
        ("test_vit2", FeatureMap("features", channels_last=True, prefix=1)),
    ],
)
def test_the_map_is_what_the_head_reads_or_of_a_class_token_what_the_last_block_does(name, found):
    assert timm_network.describe(name, 32, 2, MEAN, STD).feature_map == found


def test_values_of_every_layout_lie_by_channel_row_and_column():
    planes = np.arange(2 * 3 * 4).reshape(1, 3, 2, 4)
    assert np.array_equal(FeatureMap("features", channels_last=False, prefix=0).places(planes), planes)
    last = FeatureMap("features", channels_last=True, prefix=0).places(np.moveaxis(planes, 1, 3))
    assert np.array_equal(last, planes)
    tokens = np.concatenate([np.full((1, 1, 3), -1), np.moveaxis(planes[..., :2], 1, 3).reshape(1, 4, 3)], axis=1)
    assert np.array_equal(FeatureMap("features", channels_last=True, prefix=1).places(tokens), planes[..., :2])


def test_a_network_without_places_is_told_so():
    network = replace(timm_network.describe("test_resnet", 32, 2, MEAN, STD), feature_map=None)
    with pytest.raises(EngineError, match="there are no heat maps of timm's test_resnet"):
        agreement.require_feature_map(plan(network))
