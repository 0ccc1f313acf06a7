"""What readers say: comments and ratings. No HTTP, no clock of its own."""
