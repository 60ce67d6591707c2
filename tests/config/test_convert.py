import json

from skinlab import schema
from skinlab.config import compose, to_dict, tree


def test_the_result_is_json_and_in_schema_order():
    values = to_dict(compose([]).config)
    assert json.loads(json.dumps(values)) == values
    assert list(values) == list(tree.key_types(schema.Config))
    assert list(values["optimizer"]) == list(tree.key_types(schema.MomentumSGD))


def test_the_order_of_overrides_does_not_matter():
    one, other = (compose(order).config for order in (["seed=3", "network.dropout=0"], ["network.dropout=0", "seed=3"]))
    assert json.dumps(to_dict(one)) == json.dumps(to_dict(other))


def test_a_number_written_in_two_ways_is_one_number():
    one, other = (compose([f"optimizer.weight_decay={text}"]).config for text in ("1", "1.0"))
    assert json.dumps(to_dict(one)) == json.dumps(to_dict(other))
