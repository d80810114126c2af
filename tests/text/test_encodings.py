"""A text is recognised by what it looks like in each encoding."""

# ruff: noqa: RUF001

import random

import pytest

from charrnn.text.encodings import likely_encoding

TEXTS = {
    "French": "Où êtes-vous né ? La forêt, même après l'été, a gardé sa lumière à la campagne.",
    "French with quotation marks": "« Où es-tu ? » — dit-elle ; l’hiver n’a pas passé à l’école…",
    "Polish": "Dziś rano padał śnieg, a później wyszło słońce i było już całkiem ciepło.",
    "Russian": "Сегодня утром шёл снег, а потом вышло солнце, и стало совсем тепло.",
    "Greek": "Σήμερα το πρωί χιόνιζε, και μετά βγήκε ο ήλιος και έκανε ζέστη.",
    "Japanese": "今日の朝は雪が降りましたが、そのあと太陽が出て、とても暖かくなりました。",
    "Korean": "오늘 아침에는 눈이 왔지만 나중에 해가 나와서 아주 따뜻해졌다.",
    "Chinese": "今天早上下了雪，后来太阳出来了，天气很暖和。",
    "Chinese in old characters": "今天早上下了雪，後來太陽出來了，天氣很暖和。",
}


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("French", "latin-1"),
        ("French with quotation marks", "cp1252"),
        ("Polish", "cp1250"),
        ("Russian", "cp1251"),
        ("Russian", "koi8-r"),
        ("Greek", "cp1253"),
        ("Japanese", "shift_jis"),
        ("Japanese", "euc_jp"),
        ("Korean", "euc_kr"),
        ("Chinese", "gb18030"),
        ("Chinese in old characters", "big5"),
        ("Russian", "utf-8"),
    ],
)
def test_texts_are_recognised(text: str, encoding: str) -> None:
    content = TEXTS[text].encode(encoding)
    assert likely_encoding(content) == likely_encoding(content + content[:-1]) == encoding


def test_one_letter_at_the_end_is_enough() -> None:
    assert likely_encoding("un café".encode("latin-1")) == "latin-1"


def test_what_is_no_text_is_not_recognised() -> None:
    assert likely_encoding(random.Random(0).randbytes(400)) is None
    assert likely_encoding(TEXTS["Russian"].encode("koi8-r").replace(b" ", b"\x03\0")) is None
    assert likely_encoding(b"") is None
