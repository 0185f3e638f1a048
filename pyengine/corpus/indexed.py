"""What of a document is indexed, in one place."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FIRST_SEAM", "SEAM", "embedded_text", "indexed_text"]

SEAM: Final = "\n" * 4
"""Between title and text. White space in a literal is three characters at most, which may be the end of a
wrapped line: four line feeds part literals whatever stands on either side, and one would not."""
FIRST_SEAM: Final = "\n"
"""What stood there in indexes that do not say."""


def indexed_text(title: "pa.StringArray", text: "pa.StringArray", seam: str = SEAM) -> "pa.StringArray":
    """Return title and text of each document as the one text that the lexical branch indexes.

    Title, four line feeds, text; where the title is empty, the text alone. The terms are those of the title
    and then those of the text: no literal (a citation, a part number) is read across the seam.

    Parameters
    ----------
    title, text : pyarrow.StringArray
        Columns of one batch, without nulls.
    seam : str
        `SEAM`, or what an older index has.

    Returns
    -------
    pyarrow.StringArray
        Of the same length.
    """
    import pyarrow.compute as pc

    lengths = pc.binary_length(title)
    if not pc.any(pc.greater(lengths, 0)).as_py():
        return text
    return pc.if_else(pc.equal(lengths, 0), text, pc.binary_join_element_wise(title, text, seam))


def embedded_text(title: "pa.StringArray", text: "pa.StringArray") -> "pa.StringArray":
    """Return title and text of each document as the one text that a model is given.

    Title, line feed, text; where the title is empty, the text alone.

    Parameters
    ----------
    title, text : pyarrow.StringArray
        Columns of one batch, without nulls.

    Returns
    -------
    pyarrow.StringArray
        Of the same length.
    """
    return indexed_text(title, text, "\n")
