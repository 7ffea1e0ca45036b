"""Units of measurement, currencies and measure words in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wyoming_servers.text.word_set import word_set


def _pairs(table: str) -> dict[str, tuple[str, str]]:
    """Read lines "signs | what is said before the number | what is said behind it"."""
    pairs: dict[str, tuple[str, str]] = {}
    for line in table.strip().splitlines():
        signs, before, behind = (part.strip() for part in line.split("|"))
        pairs.update((sign, (before, behind)) for sign in signs.split())
    return pairs


TEMPERATURES: Final = frozenset({"°C", "°F", "C", "°", "度"})
"""Units with which a negative number is 零下."""

UNITS: Final[Mapping[str, tuple[str, str]]] = _pairs("""
°C C          | 攝氏     | 度
°F            | 華氏     | 度
F             |          | 樓
°             |          | 度
%             | 百分之   |
‰             | 千分之   |
km            |          | 公里
m             |          | 公尺
cm            |          | 公分
mm            |          | 毫米
μm um         |          | 微米
nm            |          | 奈米
mi            |          | 英里
ft            |          | 英尺
yd            |          | 碼
kg            |          | 公斤
g             |          | 公克
mg            |          | 毫克
μg ug mcg     |          | 微克
lb lbs        |          | 磅
oz            |          | 盎司
L l           |          | 公升
mL ml         |          | 毫升
dL dl         |          | 分升
cc            |          | CC
m^2 m2        |          | 平方公尺
cm^2 cm2      |          | 平方公分
km^2 km2      |          | 平方公里
m^3 m3        |          | 立方公尺
cm^3 cm3      |          | 立方公分
ha            |          | 公頃
km/h km/hr kph kmh  | 每小時   | 公里
m/s           | 每秒     | 公尺
mph mi/h      | 每小時   | 英里
m/s^2 m/s2    | 每秒平方 | 公尺
L/min l/min   | 每分鐘   | 公升
mm/h          | 每小時   | 毫米
m^3/h m3/h    | 每小時   | 立方公尺
μg/m^3 ug/m^3 μg/m3 ug/m3 | 每立方公尺 | 微克
mg/m^3 mg/m3  | 每立方公尺 | 毫克
mg/dL mg/dl   | 每分升   | 毫克
W             |          | 瓦
mW            |          | 毫瓦
kW KW         |          | 千瓦
MW            |          | 百萬瓦
GW            |          | 十億瓦
Wh            |          | 瓦時
kWh KWh KWH kwh |        | 度電
MWh           |          | 千度電
W/m^2 W/m2    | 每平方公尺 | 瓦
V             |          | 伏特
mV            |          | 毫伏特
kV            |          | 千伏特
A             |          | 安培
mA            |          | 毫安培
Ah            |          | 安培小時
mAh           |          | 毫安培小時
Ω             |          | 歐姆
kΩ            |          | 千歐姆
J             |          | 焦耳
kJ            |          | 千焦耳
cal           |          | 卡
kcal          |          | 大卡
Pa            |          | 帕
hPa           |          | 百帕
kPa           |          | 千帕
mbar          |          | 毫巴
bar           |          | 巴
mmHg          |          | 毫米汞柱
Hz            |          | 赫茲
kHz KHz       |          | 千赫
MHz           |          | 兆赫
GHz           |          | 吉赫
rpm RPM       | 每分鐘   | 轉
bpm BPM       | 每分鐘   | 下
dB            |          | 分貝
lx lux        |          | 勒克斯
lm            |          | 流明
px            |          | 像素
fps FPS       | 每秒     | 格
ms            |          | 毫秒
μs            |          | 微秒
ns            |          | 奈秒
s sec secs    |          | 秒
min mins      |          | 分鐘
h hr hrs      |          | 小時
d             |          | 天
x ×           |          | 倍
""")
"""What is written behind a number, and what is said before and behind it."""

SPELLED_UNITS: Final = word_set(
    "KB kB MB GB TB PB KiB MiB GiB TiB kbps Kbps Mbps Gbps KB/s MB/s GB/s ppm ppb psi dBm BTU VA MP"
)
"""Units said by their letters."""

ATTACHED_ONLY: Final = frozenset({"x", "×", "C", "F", "A", "h", "m", "g", "l", "s", "J", "d"})
"""Units that may be another word when a space and no Chinese text stands around them."""

CURRENCIES: Final[Mapping[str, str]] = {
    "$": "元", "NT$": "元", "NTD": "元", "TWD": "元", "US$": "美元", "USD": "美元", "HK$": "港幣", "HKD": "港幣",
    "A$": "澳幣", "AUD": "澳幣", "C$": "加幣", "CAD": "加幣", "S$": "新加坡幣", "SGD": "新加坡幣", "€": "歐元",
    "EUR": "歐元", "£": "英鎊", "GBP": "英鎊", "¥": "日圓", "JPY": "日圓", "CNY": "人民幣", "RMB": "人民幣",
    "₩": "韓元", "KRW": "韓元", "₹": "盧比", "INR": "盧比", "฿": "泰銖", "THB": "泰銖", "₫": "越南盾", "₽": "盧布",
    "CHF": "瑞士法郎", "¢": "分",
}  # fmt: skip

FACTORS: Final[Mapping[str, int]] = {
    "k": 1000, "K": 1000, "M": 1_000_000, "million": 1_000_000, "B": 1_000_000_000, "bn": 1_000_000_000,
    "billion": 1_000_000_000,
}  # fmt: skip
"""Latin multipliers of money, which Chinese does not say (it counts in 萬 and 億)."""

MEASURE_WORDS: Final = (
    "個个隻只條条張张台臺部輛辆支枝本件次位名年天日夜週周小分秒點点度元塊块角毛公英海平立坪間间家杯碗瓶盒包袋顆颗粒片份種种類类項项"
    "道盞盏扇把雙双對对組组套首句段頁页章集場场遍回趟步倍成半萬万億亿百千歲岁口匹頭头棵朵封幅座所盤盘罐桶箱批排行列代晚星禮"
    "礼者國国人邊边端側侧篇門门層节節級架艘根管團团堆餐股串卷瓣畝亩磅盎毫微奈瓦伏安赫吨噸克升尺寸里斤兩两錢"
)
"""First characters of what is counted: 2 before them is 兩."""

NOT_COUNTED: Final = (
    "日",
    "號",
    "号",
    "月",
    "樓",
    "楼",
    "級",
    "级",
    "年級",
    "年级",
    "分之",
    "點鐘方向",
    "行程",
    "年代",
)
"""Begin like measure words, but the number before them is a name: 二日, 二樓, 二年級."""
