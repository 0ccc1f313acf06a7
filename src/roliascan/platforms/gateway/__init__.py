"""Events of function platforms to WSGI calls (PEP 3333), and answers back: pure functions, on the standard library.

Nothing here imports the rest of RoliaScan or a platform's library: copied elsewhere, the folder serves any WSGI app.
A handler of AWS Lambda for every kind of request, without the refusals, the log and the schedules of
`platforms.aws_lambda`:

    def handler(event, context):
        shape = events.shape(events.kind(event))  # None: no request
        environ = shape.to_environ(event, base_path="", hops=0)  # raises wsgi.Malformed
        told = shape.from_answer(wsgi.call(app, environ), method=environ["REQUEST_METHOD"])  # raises wsgi.NotWsgi
        return told if proxy.fits(told, shape.limit) else ...

`events` tells kinds apart and loads the module of one: `http_api` (payload format 2.0 of HTTP APIs and function URLs),
`rest_api` (format 1.0), `alb` (load balancers, with and without multi-value headers). `proxy` is what these have in
common, `azure` the same for an HttpRequest of Azure's library. `wsgi` calls the app; `headers`, `paths` and `addresses`
hold the rules about those; `problems` words refusals as our API does, another app words its own. What each platform
passes is in docs/platforms.md; what a correct adapter does is asked by `make conformance`.
"""
