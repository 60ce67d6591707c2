import json
import shlex

from skinlab.commands.data_fetch import _parser, query_of
from skinlab.data.archive.declaration import LICENSES, ArchiveQuery, gist, key

QUERY = ArchiveQuery('diagnosis_3:"Melanoma Invasive"', (2, 17), 10, "thumbnail", 64, ("CC-0", "CC-BY"))


def test_the_command_declares_the_same_query():
    words = shlex.split(QUERY.command("a folder"))
    assert words[:3] == ["skinlab", "data", "fetch"]
    options = _parser().parse_args(words[3:])
    assert (query_of(options), str(options.out)) == (QUERY, "a folder")


def test_a_declaration_survives_json():
    declared = QUERY.declared("https://e.org/")
    assert json.loads(json.dumps(declared)) == declared


def test_every_part_of_a_declaration_counts():
    keys = {key(each.declared("https://e.org/")) for each in (QUERY, ArchiveQuery(), ArchiveQuery(limit=3))}
    assert len(keys | {key(QUERY.declared("https://f.org/"))}) == 4


def test_the_gist_is_what_is_set():
    assert gist(ArchiveQuery(collections=(2, 17)).declared("https://e.org/")) == "collections=2,17 size=full"


def test_the_licences_are_those_of_the_archive():
    assert LICENSES == ("CC-0", "CC-BY", "CC-BY-NC")
