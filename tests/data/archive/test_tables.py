import csv
import io

from skinlab.data.archive.tables import FIRST_COLUMNS, attribution_md, metadata_csv

ROWS = [
    {"isic_id": "ISIC_0000002", "copyright_license": "CC-BY", "attribution": 'A "clinic",\nVienna', "sex": "male"},
    {"isic_id": "ISIC_0000001", "copyright_license": "CC-0", "attribution": "Anonymous", "fitzpatrick": "II"},
    {"isic_id": "ISIC_0000000", "copyright_license": "CC-BY", "attribution": 'A "clinic", Vienna'},
]


def test_any_text_of_the_archive_survives_the_table():
    text = metadata_csv(lambda: ROWS, FIRST_COLUMNS)
    header, *rows = csv.reader(io.StringIO(text))
    assert header == [*FIRST_COLUMNS, "fitzpatrick"]
    assert rows[0][header.index("attribution")] == 'A "clinic",\nVienna'
    assert [row[-1] for row in rows] == ["", "II", ""]


def test_every_image_stands_under_its_licence_and_owner():
    assert attribution_md(ROWS) == (
        "# Licences and attribution\n\n"
        "3 images of the ISIC Archive (https://www.isic-archive.com), by licence and owner.\n"
        "\n## CC-0\n\nhttps://creativecommons.org/publicdomain/zero/1.0/\n"
        "\n### Anonymous (1 image)\n\nISIC_0000001\n"
        "\n## CC-BY\n\nhttps://creativecommons.org/licenses/by/4.0/\n"
        '\n### A "clinic", Vienna (2 images)\n\nISIC_0000000, ISIC_0000002\n'
    )
