"""The doctor's remarks in the owners' languages: what is wrong, and what to do better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from .remark import Remark

TextLanguage = Literal["en", "zh-TW"]

_TEXTS: Mapping[str, tuple[str, str]] = {
    # The file.
    "empty-file": ("The file is empty: record again.", "檔案是空的：請重新錄音。"),
    "not-audio": ("This is no sound file; these can be read: {formats}.", "這不是聲音檔；可用的格式：{formats}。"),
    "video": ("This is a film: export its sound alone and send that.", "這是影片：請只匯出聲音再上傳。"),
    "no-audio": ("There is no sound in the file: record again.", "檔案裡沒有聲音：請重新錄音。"),
    "codec-unknown": (
        "The sound is packed in a way ({codec}) that is not read here; save it as one of {formats}.",
        "不支援這種聲音編碼（{codec}）；請另存為 {formats}。",
    ),
    "damaged-file": (
        "The {format} file is damaged: save it again.",
        "{format} 檔案已損壞：請重新存檔或錄音。",
    ),
    "cut-off": (
        "The file's header promises {promised_mib} MiB and {present_mib} MiB are there: it was cut off; send it again.",
        "檔頭標示 {promised_mib} MiB，實際只有 {present_mib} MiB：檔案不完整，請重新上傳。",
    ),
    "too-long": (
        "The recording is longer than {most_s} s: half a minute is enough, cut it and send that.",
        "錄音超過 {most_s} 秒：半分鐘就夠了，請剪短後再上傳。",
    ),
    "too-short": (
        "The recording has {duration_s} s, at least {least_s} s are needed: speak for half a minute.",
        "錄音只有 {duration_s} 秒，至少要 {least_s} 秒：請說半分鐘。",
    ),
    # The sound.
    "silent": (
        "The recording is silent: check that the right microphone is chosen and not muted.",
        "錄音沒有聲音：請確認選對麥克風，而且沒有靜音。",
    ),
    "no-speech": ("Nobody speaks in the recording.", "錄音裡沒有人說話。"),
    "little-speech": (
        "There is only {speech_s} s of speech, at least {least_s} s are needed: keep speaking for half a minute.",
        "只有 {speech_s} 秒的說話聲，至少要 {least_s} 秒：請連續說半分鐘。",
    ),
    "scattered": (
        "No stretch of {least_s} s is spoken without long pauses: read a few sentences at a stretch.",
        "沒有一段 {least_s} 秒以上連續的說話聲：請一口氣讀幾個句子。",
    ),
    "short": (
        "There is {speech_s} s of speech; with {good_s} s or more the voice becomes more like it.",
        "說話聲只有 {speech_s} 秒；{good_s} 秒以上會更像本人。",
    ),
    "telephone": (
        "This is telephone sound (nothing above {bandwidth_khz} kHz): the voice would sound like a call; "
        "record with a microphone or a phone's voice recorder instead.",
        "這是電話音質（{bandwidth_khz} kHz 以上沒有聲音）：聲音會像講電話；請改用麥克風或手機的錄音程式。",
    ),
    "dull": (
        "There is nothing above {bandwidth_khz} kHz (a headset, or strong compression): the voice will sound dull.",
        "{bandwidth_khz} kHz 以上沒有聲音（耳麥或壓縮過度）：聲音會比較悶。",
    ),
    "distorted": (
        "{clipped_percent} % of it is overdriven: lower the microphone's level, or sit further away, and record again.",
        "有 {clipped_percent} % 的聲音破音：請調低麥克風音量或離遠一點，再錄一次。",
    ),
    "clipping": (
        "Some peaks are overdriven ({clipped_percent} %): a lower microphone level sounds better.",
        "有些地方破音（{clipped_percent} %）：把麥克風音量調低會更好。",
    ),
    "noise": (
        "The room is nearly as loud as the voice ({signal_to_noise_db} dB apart): switch off fan and television.",
        "環境幾乎和說話聲一樣大（只差 {signal_to_noise_db} dB）：請關掉音樂、電扇和電視。",
    ),
    "some-noise": (
        "There is noise behind the voice ({signal_to_noise_db} dB below it), which the new voice may learn, too.",
        "說話聲後面有雜音（低 {signal_to_noise_db} dB），新聲音可能也會學到。",
    ),
    "quiet": (
        "The recording is quiet ({speech_dbfs} dB); it was raised, and its noise with it: go closer to the microphone.",
        "錄音太小聲（{speech_dbfs} dB）；已經放大，雜音也跟著變大：請靠近麥克風。",
    ),
    "pause": (
        "There is a pause of {pause_s} s in it: the voice may pause like that, too.",
        "中間停頓了 {pause_s} 秒：新聲音可能也會這樣停頓。",
    ),
    "trimmed": ("The part from {from_s} s to {to_s} s was taken.", "使用了第 {from_s} 秒到第 {to_s} 秒。"),
    # The speakers.
    "several-speakers": (
        "It sounds like more than one person (similarity {similarity}): record one person alone.",
        "聽起來不只一個人（相似度 {similarity}）：請只錄一個人的聲音。",
    ),
    "one-speaker": ("It is one person throughout.", "從頭到尾是同一個人。"),
    "speakers-not-checked": (
        "Whether one person speaks was not checked: no speaker worker is configured, or it did not answer.",
        "沒有檢查是否只有一個人說話：未設定語者辨識程式，或它沒有回應。",
    ),
    # The words.
    "transcript-heard": (
        "The words were written down from the recording.",
        "文字是從錄音聽寫的，可以校正。",
    ),
    "transcript-missing": (
        "What is said could not be written down ({reason}): write it yourself, word for word.",
        "無法聽寫錄音內容（{reason}）：請自己逐字寫下來。",
    ),
    "transcript-cut": (
        "Of the words given, those of the part that was taken are kept.",
        "只保留了所用那一段的文字。",
    ),
    "transcript-matches": ("The words given are what is heard.", "提供的文字和聽到的一致。"),
    "transcript-differs": (
        "{errors_percent} % of the words given differ from what is heard: correct them, or the voice will stumble.",
        "提供的文字有 {errors_percent} % 和聽到的不同：請校正，否則聲音會不順。",
    ),
    "transcript-wrong": (
        "The words given are not what is said ({errors_percent} % differ): write down what is said, or leave "
        "them out and they are written down for you.",
        "提供的文字和錄音不符（{errors_percent} % 不同）：請寫下錄音裡的話，或留空由系統聽寫。",
    ),
    "transcript-not-checked": ("The words given were not checked: {reason}.", "沒有檢查提供的文字：{reason}。"),
    # The trial.
    "speaks-clearly": (
        "The new voice is understood well ({errors_percent} % wrong).",
        "新聲音聽得清楚（{errors_percent} % 錯誤）。",
    ),
    "speaks-unclearly": (
        "The new voice is hard to understand ({errors_percent} % wrong): try another recording or correct its words.",
        "新聲音不容易聽懂（{errors_percent} % 錯誤）：請換一段錄音，或校正文字。",
    ),
    "sounds-alike": (
        "The new voice sounds like the recording (similarity {similarity}).",
        "新聲音和錄音很像（相似度 {similarity}）。",
    ),
    "sounds-unlike": (
        "The new voice does not sound much like the recording (similarity {similarity}): a longer, cleaner one helps.",
        "新聲音和錄音不太像（相似度 {similarity}）：錄長一點、乾淨一點會更好。",
    ),
    "similarity-not-checked": (
        "How much it sounds like the recording was not measured: no speaker worker, or it did not answer.",
        "沒有測量相似度：未設定語者辨識程式，或它沒有回應。",
    ),
    "trial-not-heard": (
        "How clear it is was not measured: nobody was there to listen ({reason}).",
        "沒有測量清晰度：語音辨識沒有回應（{reason}）。",
    ),
    "trial-not-made": (
        "No test sentence was spoken ({reason}); `check` tries again.",
        "沒有說出測試句（{reason}）；可以再檢查一次。",
    ),
}

CODES = frozenset(_TEXTS)
"""Every code that there is a text for."""


def remark_text(remark: Remark, language: TextLanguage) -> str:
    """Return the remark as a sentence."""
    english, chinese = _TEXTS[remark.code]
    return (chinese if language == "zh-TW" else english).format_map(dict(remark.parameters))
