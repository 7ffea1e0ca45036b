"""A house with 300 exposed entities, each with an English and a Chinese name."""

from __future__ import annotations

from wyoming_servers.house.area import Area, Floor
from wyoming_servers.house.entity import Entity
from wyoming_servers.house.layout import HouseLayout

ROOMS = (
    ("Kitchen", "廚房"), ("Living Room", "客廳"), ("Dining Room", "餐廳"), ("Bedroom", "臥室"), ("Guest Room", "客房"),
    ("Kids Room", "兒童房"), ("Bathroom", "浴室"), ("Office", "書房"), ("Hallway", "走廊"), ("Garage", "車庫"),
    ("Garden", "花園"), ("Balcony", "陽台"), ("Basement", "地下室"), ("Attic", "閣樓"), ("Laundry", "洗衣間"),
    ("Gym", "健身房"), ("Library", "圖書室"), ("Workshop", "工作室"), ("Pantry", "儲藏室"), ("Porch", "門廊"),
)  # fmt: skip
THINGS = (
    ("lamp", "檯燈", "light", None), ("ceiling light", "吊燈", "light", None), ("fan", "風扇", "fan", None),
    ("blinds", "百葉窗", "cover", "blind"), ("heater", "暖氣", "climate", None),
    ("speaker", "喇叭", "media_player", "speaker"),
    ("coffee machine", "咖啡機", "switch", None), ("humidifier", "加濕器", "switch", None),
    ("temperature", "溫度", "sensor", "temperature"), ("humidity", "濕度", "sensor", "humidity"),
    ("window", "窗戶", "binary_sensor", "window"), ("motion", "人體感應", "binary_sensor", "motion"),
    ("night light", "夜燈", "light", None), ("television", "電視", "media_player", "tv"),
    ("power strip", "延長線", "switch", None),
)  # fmt: skip


def large_layout() -> HouseLayout:
    """Return 20 rooms with 15 things each."""
    floors = (Floor("ground", "Ground floor", ("一樓",)), Floor("upper", "Upper floor", ("二樓",)))
    areas = tuple(
        Area(_id(english), english, (chinese,), "ground" if number % 2 else "upper")
        for number, (english, chinese) in enumerate(ROOMS)
    )
    entities = tuple(
        Entity(
            f"{domain}.{_id(room)}_{_id(thing)}",
            f"{room} {thing}",
            (f"{chinese_room}{chinese}",),
            _id(room),
            device_class,
        )
        for room, chinese_room in ROOMS
        for thing, chinese, domain, device_class in THINGS
    )
    return HouseLayout(floors, areas, entities)


def _id(name: str) -> str:
    return name.lower().replace(" ", "_")
