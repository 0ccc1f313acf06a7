"""Settings of the reference."""

# mypy: ignore-errors

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(extra="ignore")

    database_url: str
    database_pool: int = Field(default=4, ge=1, le=100)
    jwt_secret: SecretStr = Field(min_length=32)
    jwt_expires_in: int = 604800
    host: str = "127.0.0.1"
    port: int = Field(default=3000, ge=1, le=65535)
    upload_method: str = "server"
    bucket: str = "comics"
    max_file_size: int = Field(default=10485760, ge=1)
    public_url: str = ""
    image_url: str = ""
    cors_origins: list[str] = []
    trusted_hops: int = 0
    rate_limits: str = "on"

    @property
    def async_url(self) -> str:
        """The address with the name of the asynchronous driver in it."""
        scheme, colon, rest = self.database_url.partition(":")
        return {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}[scheme] + colon + rest
