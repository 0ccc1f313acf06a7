"""A backup is a folder: all rows, in a form that no database owns, the files, and a manifest of both."""
