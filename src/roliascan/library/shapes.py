"""The closed lists of the library: what a series can be."""

from typing import Literal

SeriesType = Literal["manga", "manhwa", "manhua", "webtoon", "comic", "oneshot", "other"]
Status = Literal["ongoing", "completed", "hiatus", "cancelled"]
Direction = Literal["ltr", "rtl", "ttb"]
ContentRating = Literal["safe", "suggestive", "mature"]
State = Literal["draft", "scheduled", "published", "hidden"]
