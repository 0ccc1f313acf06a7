"""Platform events to WSGI calls and back, as pure functions. Nothing here knows RoliaScan or imports a platform."""
