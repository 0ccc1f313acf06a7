"""People: accounts, sessions, what they may do, and their teams."""
