"""Taking over a site of the original backend: `reading` -> `people`, `works`, `community`. It is only read."""
