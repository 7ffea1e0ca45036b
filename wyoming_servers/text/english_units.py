"""Units of measurement and currencies in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


def _pairs(table: str) -> dict[str, tuple[str, str]]:
    """Read lines "signs | singular | plural" (plural: singular + s if not given)."""
    pairs: dict[str, tuple[str, str]] = {}
    for line in table.strip().splitlines():
        signs, one, *many = (part.strip() for part in line.split("|"))
        for sign in signs.split():
            pairs[sign] = (one, many[0] if many else one + "s")
    return pairs


UNITS: Final[Mapping[str, tuple[str, str]]] = _pairs("""
°C            | degree Celsius        | degrees Celsius
°F            | degree Fahrenheit     | degrees Fahrenheit
°             | degree
%             | percent               | percent
‰             | per mille             | per mille
km            | kilometer
m             | meter
cm            | centimeter
mm            | millimeter
μm um         | micrometer
nm            | nanometer
mi            | mile
ft            | foot                  | feet
yd yds        | yard
kg            | kilogram
g             | gram
mg            | milligram
μg ug mcg     | microgram
lb lbs        | pound
oz            | ounce
L l           | liter
mL ml         | milliliter
dL dl         | deciliter
gal           | gallon
fl.oz         | fluid ounce
tsp           | teaspoon
tbsp          | tablespoon
m^2 m2 sqm    | square meter
cm^2 cm2      | square centimeter
km^2 km2      | square kilometer
m^3 m3        | cubic meter
cm^3 cm3 cc   | cubic centimeter
ft^2 ft2 sqft | square foot           | square feet
ha            | hectare
km/h km/hr kph kmh  | kilometer per hour    | kilometers per hour
m/s           | meter per second      | meters per second
mph mi/h      | mile per hour         | miles per hour
ft/s          | foot per second       | feet per second
m/s^2 m/s2    | meter per second squared | meters per second squared
L/min l/min   | liter per minute      | liters per minute
mm/h          | millimeter per hour   | millimeters per hour
m^3/h m3/h    | cubic meter per hour  | cubic meters per hour
μg/m^3 ug/m^3 μg/m3 ug/m3 | microgram per cubic meter | micrograms per cubic meter
mg/m^3 mg/m3  | milligram per cubic meter | milligrams per cubic meter
mg/dL mg/dl   | milligram per deciliter | milligrams per deciliter
mmol/L mmol/l | millimole per liter   | millimoles per liter
g/L           | gram per liter        | grams per liter
W             | watt
mW            | milliwatt
kW KW         | kilowatt
MW            | megawatt
GW            | gigawatt
Wh            | watt hour
kWh KWh KWH kwh | kilowatt hour
MWh           | megawatt hour
W/m^2 W/m2    | watt per square meter | watts per square meter
VA            | volt ampere
V             | volt
mV            | millivolt
kV            | kilovolt
A             | amp
mA            | milliamp
Ah            | amp hour
mAh           | milliamp hour
Ω             | ohm
kΩ            | kilohm
F             | degree Fahrenheit     | degrees Fahrenheit
C             | degree Celsius        | degrees Celsius
K             | kelvin                | kelvin
J             | joule
kJ            | kilojoule
cal           | calorie
kcal          | kilocalorie
BTU           | B T U                 | B T U
N             | newton
Pa            | pascal
hPa           | hectopascal
kPa           | kilopascal
mbar          | millibar
bar           | bar
psi           | P S I                 | P S I
mmHg          | millimeter of mercury | millimeters of mercury
Hz            | hertz                 | hertz
kHz KHz       | kilohertz             | kilohertz
MHz           | megahertz             | megahertz
GHz           | gigahertz             | gigahertz
rpm RPM       | R P M                 | R P M
bpm BPM       | beat per minute       | beats per minute
dB            | decibel
dBm           | D B M                 | D B M
lx lux        | lux                   | lux
lm            | lumen
ppm           | part per million      | parts per million
ppb           | part per billion      | parts per billion
KB kB         | kilobyte
MB            | megabyte
GB            | gigabyte
TB            | terabyte
PB            | petabyte
KiB           | kibibyte
MiB           | mebibyte
GiB           | gibibyte
TiB           | tebibyte
kbps Kbps kbit/s | kilobit per second | kilobits per second
Mbps Mbit/s   | megabit per second    | megabits per second
Gbps Gbit/s   | gigabit per second    | gigabits per second
KB/s kB/s     | kilobyte per second   | kilobytes per second
MB/s          | megabyte per second   | megabytes per second
GB/s          | gigabyte per second   | gigabytes per second
px            | pixel
MP            | megapixel
fps FPS       | frame per second      | frames per second
ms            | millisecond
μs us         | microsecond
ns            | nanosecond
s sec secs    | second
min mins      | minute
h hr hrs      | hour
d             | day
in            | inch                  | inches
yr yrs        | year
x ×           | time                  | times
""")
"""What is written behind a number: singular and plural."""

ATTACHED_ONLY: Final = frozenset({"x", "×", "us", "B", "N", "K", "d", "in"})
"""Units that are another word or sign when a space stands before them."""

CURRENCIES: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "US$": ("US dollar", "US dollars", "cent", "cents"),
    "USD": ("US dollar", "US dollars", "cent", "cents"),
    "NT$": ("New Taiwan dollar", "New Taiwan dollars", "", ""),
    "NTD": ("New Taiwan dollar", "New Taiwan dollars", "", ""),
    "TWD": ("New Taiwan dollar", "New Taiwan dollars", "", ""),
    "HK$": ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    "HKD": ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    "A$": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "AUD": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "C$": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "CAD": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "S$": ("Singapore dollar", "Singapore dollars", "cent", "cents"),
    "SGD": ("Singapore dollar", "Singapore dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "EUR": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "GBP": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "", ""),
    "JPY": ("yen", "yen", "", ""),
    "CNY": ("yuan", "yuan", "", ""),
    "RMB": ("yuan", "yuan", "", ""),
    "CHF": ("Swiss franc", "Swiss francs", "", ""),
    "₩": ("won", "won", "", ""),
    "KRW": ("won", "won", "", ""),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "INR": ("rupee", "rupees", "paisa", "paise"),
    "฿": ("baht", "baht", "", ""),
    "₫": ("dong", "dong", "", ""),
    "₽": ("ruble", "rubles", "", ""),
    "¢": ("cent", "cents", "", ""),
}
"""Unit singular and plural, hundredth singular and plural ("" if not spoken)."""

MAGNITUDES: Final[Mapping[str, str]] = {
    "k": "thousand", "K": "thousand", "M": "million", "m": "million", "bn": "billion", "B": "billion",
    "T": "trillion", "thousand": "thousand", "million": "million", "billion": "billion", "trillion": "trillion",
}  # fmt: skip
"""What follows an amount of money and multiplies it."""
