"""One thin entry point for each platform; `gateway/` knows the shapes of their requests and answers."""
