"""What is said aloud when something fails: short, honest, in the asker's language."""

from __future__ import annotations

from avatar_appliance.errors import AvatarError

_SENTENCES: dict[str, dict[str, str]] = {
    "en": {
        "worker-unavailable": "My language model is still starting. Please ask again in a moment.",
        "worker-failed": "I lost my train of thought. Please ask again.",
        "context-too-long": "That was too much for me at once. Please start a new conversation.",
        "deadline-exceeded": "That took me too long. Please try a shorter question.",
        "server-full": "I am busy with other people right now. Please ask again in a moment.",
        "worker-busy": "I am busy right now. Please ask again in a moment.",
        "no-memory": "There is no room for my language model right now. Please ask again in a moment.",
        "guest-mode": "The graphics card is busy with something else. I can answer again when it is free.",
        "text-too-long": "That was too long for me. Please say it in fewer words.",
        "shutting-down": "I am restarting. Please ask again in a few seconds.",
        "nothing-heard": "I did not hear anything. Please say it again.",
        "none-meant": "All right, I leave it as it is.",
        "done": "Done.",
        "no-answer": "I have no answer to that. Please ask in other words.",
        "": "Something went wrong on my side. The details are in my log.",
    },
    "zh-TW": {
        "worker-unavailable": "我的語言模型還在啟動，請稍後再問一次。",
        "worker-failed": "我剛剛斷了思緒，請再問一次。",
        "context-too-long": "這段對話太長了，請重新開始一個對話。",
        "deadline-exceeded": "這個問題花太久了，請換個簡短的說法。",
        "server-full": "我現在正忙著回答別人，請稍後再問。",
        "worker-busy": "我現在有點忙，請稍後再問一次。",
        "no-memory": "記憶體不夠，我的語言模型暫時載入不了，請稍後再問一次。",
        "guest-mode": "顯示卡正在忙別的事，等它空出來我就能回答了。",
        "text-too-long": "這句話太長了，請說得短一點。",
        "shutting-down": "我正在重新啟動，請過幾秒再問。",
        "nothing-heard": "我沒有聽到內容，請再說一次。",
        "none-meant": "好，那我就不動它。",
        "done": "好了。",
        "no-answer": "這個我答不上來，請換個方式問問看。",
        "": "我這邊出了點問題，詳細情形記在日誌裡。",
    },
}


def sentence(code: str, language: str) -> str:
    """Return the spoken sentence for an error code, "nothing-heard" or "no-answer"; English where we know no other."""
    words = _SENTENCES["zh-TW" if language.lower().startswith(("zh", "cmn", "yue")) else "en"]
    return words.get(code, words[""])


def apology(error: AvatarError, language: str) -> str:
    """Return the spoken sentence for an error, looking at its kind where its own code has none."""
    for kind in type(error).__mro__:
        code = getattr(kind, "code", "")
        if code and code in _SENTENCES["en"]:
            return sentence(code, language)
    return sentence("", language)
