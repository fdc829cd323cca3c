"""Where images in registries can be scanned: the fourteen regions on the page of PublicCreateImageScanTask."""

from collections.abc import Mapping
from typing import Any, Final

from jenkins_scan.sandbox.call import Call

SCANNED: Final[Mapping[str, tuple[str, str]]] = {
    "cn-hangzhou": ("China (Hangzhou)", "华东1（杭州）"),  # noqa: RUF001  Chinese punctuation, as in the lines below
    "cn-shanghai": ("China (Shanghai)", "华东2（上海）"),  # noqa: RUF001
    "cn-shenzhen": ("China (Shenzhen)", "华南1（深圳）"),  # noqa: RUF001
    "cn-qingdao": ("China (Qingdao)", "华北1（青岛）"),  # noqa: RUF001
    "cn-beijing": ("China (Beijing)", "华北2（北京）"),  # noqa: RUF001
    "cn-zhangjiakou": ("China (Zhangjiakou)", "华北3（张家口）"),  # noqa: RUF001
    "cn-huhehaote": ("China (Hohhot)", "华北5（呼和浩特）"),  # noqa: RUF001
    "cn-hongkong": ("China (Hong Kong)", "中国香港"),
    "ap-northeast-1": ("Japan (Tokyo)", "日本（东京）"),  # noqa: RUF001
    "ap-southeast-5": ("Indonesia (Jakarta)", "印度尼西亚（雅加达）"),  # noqa: RUF001
    "us-west-1": ("US (Silicon Valley)", "美国（硅谷）"),  # noqa: RUF001
    "us-east-1": ("US (Virginia)", "美国（弗吉尼亚）"),  # noqa: RUF001
    "eu-central-1": ("Germany (Frankfurt)", "德国（法兰克福）"),  # noqa: RUF001
    "eu-west-1": ("UK (London)", "英国（伦敦）"),  # noqa: RUF001
}
"""The name of each in English and in Chinese, by its id."""


def list_image_registry_region(call: Call) -> dict[str, Any]:
    """ListImageRegistryRegion: the regions, with Chinese names unless `Lang` is `en`."""
    language = 0 if call.query.get("Lang") == "en" else 1
    return {"Regions": [{"RegionId": region, "RegionName": names[language]} for region, names in SCANNED.items()]}
