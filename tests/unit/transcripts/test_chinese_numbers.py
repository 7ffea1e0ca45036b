"""Digits as they are said in Chinese."""

from __future__ import annotations

import pytest

from avatar_appliance.transcripts.chinese_numbers import chinese_digits_spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("0", "零"),
        ("7", "七"),
        ("10", "十"),
        ("15", "十五"),
        ("20", "二十"),
        ("101", "一百零一"),
        ("110", "一百一十"),
        ("1005", "一千零五"),
        ("2026", "二千零二十六"),
        ("10000", "一万"),
        ("120034", "十二万零三十四"),
        ("100000000", "一亿"),
        ("0912", "零九一二"),
        ("1234567890123", "一二三四五六七八九零一二三"),
        ("3.14", "三点一四"),
        ("30%", "百分之三十"),
        ("設成21度", "設成二十一度"),
        ("沒有數字", "沒有數字"),
    ],
)
def test_numbers_are_written_as_they_are_said(written: str, spoken: str) -> None:
    assert chinese_digits_spoken(written) == spoken
