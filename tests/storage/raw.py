"""A bucket as its owner sees it, without our code."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.servers import radosgw


class Raw:
    """What `s3_url` names."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.client = radosgw.client(parse_qs(parts.query)["endpoint"][0])
        self.bucket, self.prefix = parts.netloc, parts.path.strip("/")

    def put(self, key: str, content: bytes = b"x") -> None:
        self.client.put_object(Bucket=self.bucket, Key=f"{self.prefix}/{key}", Body=content)

    def head(self, key: str) -> Any:
        return self.client.head_object(Bucket=self.bucket, Key=f"{self.prefix}/{key}")
