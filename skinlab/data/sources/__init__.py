"""Where labelled images come from: each source turns its part of the declaration into a Manifest."""

from skinlab.data.manifest import Manifest
from skinlab.schema import Dataset, FolderDataset, IsicArchiveDataset, SyntheticDataset, UrlsDataset


def load(dataset: Dataset) -> Manifest:
    """All images of a declared data set, before classes are chosen and unreadable images are found.

    Args:
        dataset: the declaration.

    Returns:
        The manifest, sorted by image id, with the labels as found.

    Raises:
        DataError: what is declared is not there, or cannot be told apart.
        OutputError: phantoms could not be written.
    """
    if isinstance(dataset, SyntheticDataset):
        from skinlab.data.sources import synthetic

        return synthetic.load(dataset)
    if isinstance(dataset, FolderDataset):
        from skinlab.data.sources import folder

        return folder.load(dataset)
    if isinstance(dataset, IsicArchiveDataset):
        from skinlab.data.sources import isic_archive

        return isic_archive.load(dataset)
    if isinstance(dataset, UrlsDataset):
        from skinlab.data.sources import urls

        return urls.load(dataset)
    from skinlab.data.sources import table

    return table.load(dataset)
