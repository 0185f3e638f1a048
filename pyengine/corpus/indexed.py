"""What of a document is indexed, in one place."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["indexed_text"]


def indexed_text(title: "pa.StringArray", text: "pa.StringArray") -> "pa.StringArray":
    """Return title and text of each document as the one text that both branches index.

    Title, newline, text; where the title is empty, the text alone. A newline and not a space, so that no
    literal (a citation, a part number) is read across the seam.

    Parameters
    ----------
    title, text : pyarrow.StringArray
        Columns of one batch, without nulls.

    Returns
    -------
    pyarrow.StringArray
        Of the same length.
    """
    import pyarrow.compute as pc

    lengths = pc.binary_length(title)
    if not pc.any(pc.greater(lengths, 0)).as_py():
        return text
    return pc.if_else(pc.equal(lengths, 0), text, pc.binary_join_element_wise(title, text, "\n"))
