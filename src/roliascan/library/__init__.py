"""What a comic site does: series, chapters, pages and their files. No HTTP, no cloud, no clock of its own."""
