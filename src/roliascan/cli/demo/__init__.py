"""The demo library: `story` tells what is in it, `drawing` draws its pages and covers."""
