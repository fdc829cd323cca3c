"""The regions in which Security Center scans images of registries, for when the service cannot be asked.

Source: "Regions supported by container image scan", API page PublicCreateImageScanTask (Sas 2018-12-03), last updated
on Nov 25, 2024. Other pages name more regions: what ListImageRegistryRegion answers comes first.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Region(NamedTuple):
    """A row of the table."""

    id: str
    name: str
    city: str


REGIONS: Final = (
    Region("cn-hangzhou", "China (Hangzhou)", "Hangzhou"),
    Region("cn-shanghai", "China (Shanghai)", "Shanghai"),
    Region("cn-shenzhen", "China (Shenzhen)", "Shenzhen"),
    Region("cn-qingdao", "China (Qingdao)", "Qingdao"),
    Region("cn-beijing", "China (Beijing)", "Beijing"),
    Region("cn-zhangjiakou", "China (Zhangjiakou)", "Zhangjiakou"),
    Region("cn-huhehaote", "China (Hohhot)", "Hohhot"),
    Region("cn-hongkong", "China (Hong Kong)", "Hong Kong"),
    Region("ap-northeast-1", "Japan (Tokyo)", "Tokyo"),
    Region("ap-southeast-5", "Indonesia (Jakarta)", "Jakarta"),
    Region("us-west-1", "US (Silicon Valley)", "Silicon Valley"),
    Region("us-east-1", "US (Virginia)", "Virginia"),
    Region("eu-central-1", "Germany (Frankfurt)", "Frankfurt"),
    Region("eu-west-1", "UK (London)", "London"),
)
OFFLINE: Final[Mapping[str, str]] = {region.id: region.name for region in REGIONS}
"""Names by id, as ListImageRegistryRegion would answer."""


def in_words(regions: Mapping[str, str] = OFFLINE) -> str:
    """The regions of a message, names by id: `cn-hangzhou China (Hangzhou), us-east-1 US (Virginia)`."""
    return ", ".join(f"{region} {name}" if name != region else region for region, name in regions.items())
