"""What platforms ask, as data. List prices as they were known on the date below: check each at its page before use.

Prices are US dollars, without tax, of one region: AWS us-east-1 on x86, Google us-central1, Azure East US (its
Consumption plan). Free amounts are for a month and an account, of which other functions may use some.
"""

import msgspec

AS_OF = "2025-06-01"

GB = 1_000_000_000


class Prices(msgspec.Struct, frozen=True, rename="camel"):
    """Prices for each million requests, each second of a GB of memory (or of a CPU), each GB (10^9 bytes) sent.

    `gateway` is what stands in front of the function asks for a million. A request is billed in steps of `step_ms`, and
    `least_ms` at least.
    """

    requests: float
    memory: float
    cpu: float
    gateway: float
    transfer: float
    free_requests: int
    free_gb_seconds: int
    free_cpu_seconds: int
    free_gb_sent: int
    step_ms: int
    least_ms: int
    page: str


PRICES = {
    "aws": Prices(
        requests=0.20,
        memory=0.0000166667,
        cpu=0.0,  # comes with the memory
        gateway=1.00,  # an HTTP API; 3.50 for a REST API, 0 for a function URL
        transfer=0.09,
        free_requests=1_000_000,
        free_gb_seconds=400_000,
        free_cpu_seconds=0,
        free_gb_sent=100,
        step_ms=1,
        least_ms=1,
        page="https://aws.amazon.com/lambda/pricing/",
    ),
    "google": Prices(
        requests=0.40,
        memory=0.0000025,
        cpu=0.000024,
        gateway=0.0,
        transfer=0.12,
        free_requests=2_000_000,
        free_gb_seconds=360_000,
        free_cpu_seconds=180_000,
        free_gb_sent=1,
        step_ms=100,
        least_ms=100,
        page="https://cloud.google.com/run/pricing",
    ),
    "azure": Prices(
        requests=0.20,
        memory=0.000016,
        cpu=0.0,  # comes with the memory
        gateway=0.0,
        transfer=0.087,
        free_requests=1_000_000,
        free_gb_seconds=400_000,
        free_cpu_seconds=0,
        free_gb_sent=100,
        step_ms=1,
        least_ms=100,
        page="https://azure.microsoft.com/pricing/details/functions/",
    ),
}
