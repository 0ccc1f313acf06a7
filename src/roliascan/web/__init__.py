"""HTTP: from a request to a verb of the library, and from its result to an answer."""
