from skinlab.randomness import stream


def test_streams_differ_by_every_part_of_their_name() -> None:
    names = [(1, "order", 3), (1, "order", 4), (2, "order", 3), (1, "mask", 3), (1, "order", "3", "x")]
    assert len({stream(*name).integers(2**60) for name in names}) == len(names)


def test_a_stream_is_what_it_was_when_this_test_was_written() -> None:
    assert stream(1, "order", 0).integers(1_000_000, size=3).tolist() == EXPECTED


EXPECTED = [905086, 995958, 890179]
