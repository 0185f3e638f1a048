"""Promises about the whole tree rather than about one room: what it exports, imports, says and ships."""
