"""Functions that keep most of their time for an answer: `handler` is the site, `echo` the echo app."""

from roliascan import database
from roliascan.platforms import aws_lambda, requests
from tests.platforms import echoes

requests.MARGIN_S = 6  # of the 10 s, or 4 s, that they have: on a busy machine each step may take its time
database.READ_LIMIT_S = 60  # the deadline ends a statement, and nothing else

handler = aws_lambda.handler
echo = aws_lambda.handler_of(lambda: echoes.app)
