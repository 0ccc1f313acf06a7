"""The echo app as a function of Google's: `web`."""

from roliascan.platforms.border import bordered
from roliascan.platforms.google_functions import function_of
from tests.platforms import echoes

app = bordered(echoes.app, hops=1)
web = function_of(lambda: app)
