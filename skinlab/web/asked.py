"""What the address of a page of results asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from skinlab.errors import DataError
from skinlab.results.choosing import Answers, Choice
from skinlab.web.addresses import query


@dataclass(frozen=True)
class Asked:
    """The words of the address.

    Attributes:
        run: name of the run.
        subset: of its images.
        truth: a class; empty: any.
        called: a class; empty: any.
        answers: right, wrong or all.
        group: a subgroup as the page names it, e.g. "sex: female"; empty: all images.
        text: part of a name.
        sort: the order.
        threshold: of two classes, as typed; empty: that of the run.
        look: what is shown of an image: itself, or its heat map above it.
        page: which, from 1.
    """

    run: str = ""
    subset: str = "test"
    truth: str = ""
    called: str = ""
    answers: Answers = "all"
    group: str = ""
    text: str = ""
    sort: str = "loss"
    threshold: str = ""
    look: str = "image"
    page: int = 1

    @property
    def at(self) -> float | None:
        """The threshold as a number.

        Raises:
            DataError: it is none from 0 to 1.
        """
        if not self.threshold:
            return None
        try:
            value = float(self.threshold)
        except ValueError:
            value = -1.0
        if not 0 <= value <= 1:
            raise DataError(f"a threshold is a number from 0 to 1, not {self.threshold}")
        return value

    def subgroup(self, columns: Mapping[str, Sequence[str]]) -> tuple[str, str] | None:
        """The column and the name of the subgroup.

        Raises:
            DataError: there is none of this name.
        """
        if not self.group:
            return None
        for column, values in columns.items():
            name = self.group.removeprefix(f"{column}: ")
            if name != self.group and name in values:
                return column, name
        raise DataError(f"no image is in a subgroup {self.group}")

    def choice(self, columns: Mapping[str, Sequence[str]]) -> Choice:
        """Which images are meant.

        Raises:
            DataError: there is no such subgroup, or the threshold is none.
        """
        return Choice(
            truth=self.truth or None,
            called=self.called or None,
            answers=self.answers,
            subgroup=self.subgroup(columns),
            text=self.text,
            sort=self.sort,
            threshold=self.at,
        )

    def words(self, **changes: object) -> str:
        """The address behind its question mark, with some words changed and without those that say nothing new."""
        usual = {item.name: item.default for item in fields(self)}
        given = {name: value for name, value in {**vars(self), **changes}.items() if value != usual.get(name)}
        return query(**given)

    def cleared(self) -> str:
        """The words of the page without any choice of images, at the same threshold."""
        return Asked(self.run, self.subset, threshold=self.threshold, look=self.look).words()

    def of_images(self) -> str:
        """The words that every page of one image has."""
        return Asked(self.run, self.subset, threshold=self.threshold).words()

    def only_run(self) -> str:
        """The words that say of which images this is."""
        return Asked(self.run, self.subset).words()
