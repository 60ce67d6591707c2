"""Where labelled images come from: each source turns its part of the declaration into a Manifest."""

from skinlab import schema
from skinlab.data.manifest import Manifest


def load(dataset: schema.Dataset) -> Manifest:  # noqa: PLR0911 - one for each source
    """All images of a declared data set, before classes are chosen and unreadable images are found.

    Args:
        dataset: the declaration.

    Returns:
        The manifest, sorted by image id, with the labels as found.

    Raises:
        DataError: what is declared is not there, or cannot be told apart.
        SetupError: a package that reads this kind of file is not installed.
        OutputError: phantoms could not be written.
    """
    from skinlab.data.sources import folder, isic_archive, isic_challenge, isic_cli, synthetic, table, urls

    match dataset:
        case schema.SyntheticDataset():
            return synthetic.load(dataset)
        case schema.FolderDataset():
            return folder.load(dataset)
        case schema.TableDataset():
            return table.load(dataset)
        case schema.IsicChallengeDataset():
            return isic_challenge.load(dataset)
        case schema.IsicCliDataset():
            return isic_cli.load(dataset)
        case schema.IsicArchiveDataset():
            return isic_archive.load(dataset)
        case schema.UrlsDataset():
            return urls.load(dataset)
