"""Direct uploads as a client: `folder` (what lies there), `site` (its API), `chapters` (where to), `sending` (files).

Nothing here knows a database or a storage: everything goes through the public API.
"""
