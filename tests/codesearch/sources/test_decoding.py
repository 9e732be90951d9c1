"""Old encodings, from comments as short as they are in code."""

from __future__ import annotations

import subprocess
import sys

import pytest

from codesearch.sources.decoding import decode

COMMENTS = {
    "de": (
        "latin-1 cp1252 mac_roman",
        "Größe des Puffers überprüft|für|ungültiger Schlüssel|ÄNDERUNG|Straße|löscht alle|Zähler erhöhen",
    ),
    "de, DOS": ("cp850", "Größe des Puffers überprüft|löscht alle|ÄNDERUNG|Zähler erhöhen"),
    "fr": ("latin-1 cp1252 mac_roman", "où|Déjà initialisé|créé par François|à zéro|Vérifie la chaîne|tâche terminée"),
    "es": ("latin-1", "¿Por qué falla la conexión?|tamaño del búfer|año|configuración|Este método devolverá un número"),
    "pt": ("latin-1", "função de inicialização|o usuário não está logado|São Paulo|exceção lançada"),
    "sv": ("latin-1", "läs nästa värde från kön|Å|färg|på øya|størrelse|Hämtar användarens lösenord"),
    "ru": (
        "cp1251 koi8-r cp866",
        "Проверяем размер буфера|Чтение файла|ошибка|да|НЕ ТРОГАТЬ|Удалить записи из БД|функция|Загрузка настроек",
    ),
    "uk": ("cp1251 koi8-u", "Перевірка розміру буфера|їжак і ґанок|Зберігає налаштування"),
    "ja": (
        "shift_jis euc_jp iso2022_jp",
        "次のトークンを読み込む|バッファ|初期化|ファイルを閉じる|エラー処理（例外を投げる）|文字列の長さ|画面を更新する",
    ),
    "zh": (
        "gbk gb2312 gb18030",
        "检查缓冲区的大小|返回值|文件不存在|如果用户没有登录，则跳转到首页|注意：线程不安全|删除|打开数据库连接",
    ),
    "zh-tw": ("big5", "檢查緩衝區的大小|傳回值|檔案不存在|如果使用者沒有登入|初始化|開啟資料庫連線"),
    "ko": (
        "euc_kr",
        "버퍼의 크기를 확인한다|다음 토큰을 읽는다|파일이 없습니다|초기화|삭제|데이터베이스 연결을 닫는다",
    ),
    "pl": ("cp1250 iso8859-2", "Sprawdza długość bufora|błąd odczytu pliku|wartość zwracana"),
    "cs": ("cp1250 iso8859-2", "příliš žluťoučký kůň|načte další řádek"),
    "tr": ("cp1254", "dosya açılamadı|değişken|şu sayıyı döndürür"),
    "el": ("cp1253", "Έλεγχος μεγέθους|το αρχείο δεν υπάρχει"),
    "euro": ("iso8859-15", "coûte 5 €, œuvre|prix à payer en €"),
    "signs": (
        "cp1252",
        "löscht – auch „alte“|© 2003 Foo Bar|25 °C ± 1|don’t “quote” me – please…|§ 5|Jörg Müller <j@x>|José Núñez",
    ),
}
CASES = [
    (language, encoding, comment)
    for language, (encodings, comments) in COMMENTS.items()
    for encoding in encodings.split()
    for comment in comments.split("|")
]


@pytest.mark.parametrize(("language", "encoding", "comment"), CASES)
def test_one_short_comment_is_enough(language: str, encoding: str, comment: str) -> None:
    text = f"/* {comment} */\r\nint f(void) {{ return 1; }}\n"
    data = text.encode(encoding)
    assert decode(data) == text


@pytest.mark.parametrize(
    ("language", "encoding"), [(name, e) for name, (es, _) in COMMENTS.items() for e in es.split()]
)
def test_all_comments_of_a_file(language: str, encoding: str) -> None:
    comments = COMMENTS[language][1].split("|")
    text = "".join(f"# {comment}\ndef f{number}(): pass\n" for number, comment in enumerate(comments))
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("declaration", "encoding"),
    [
        ("# -*- coding: {} -*-\n", "cp1251"),
        ("#!/usr/bin/ruby\n# encoding: {}\n", "euc-jp"),
        ("# vim: set fileencoding={} :\n", "iso8859-5"),
        ('<?xml version="1.0" encoding="{}"?>\n', "iso8859-15"),
        ('<html><head><meta http-equiv="x" content="text/html; charset={}">\n', "gb2312"),
        ('<meta charset="{}">\n', "iso8859-13"),
        ('@charset "{}";\n', "cp850"),
        ("/* -*- coding: {}-unix -*- */\n", "latin-1"),
    ],
)
def test_what_a_file_names_is_believed(declaration: str, encoding: str) -> None:
    letters = {"cp1251": "да", "euc-jp": "日", "iso8859-5": "да", "gb2312": "日", "iso8859-13": "mažį"}.get(
        encoding, "é"
    )
    text = declaration.format(encoding) + f"{letters}\n"
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("declared", "encoding", "comment"),
    [
        ("utf-8", "latin-1", "Größe überprüft"),
        ("latin-1", "utf-8", "Größe überprüft"),
        ("latin-1", "shift_jis", "次のトークンを読み込む"),
        ("euc-jp", "shift_jis", "次のトークンを読み込む"),
        ("no-such-encoding", "cp1251", "Проверяем размер"),
        ("rot13", "latin-1", "für alle"),
        ("unicode_escape", "latin-1", "für alle"),
    ],
)
def test_what_a_file_names_wrongly_costs_nothing(declared: str, encoding: str, comment: str) -> None:
    text = f"# -*- coding: {declared} -*-\n# {comment}\nx = 1\n"
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_characters(encoding: str) -> None:
    text = "# Größe 日本\r\nx = 1\n" + "y = 2\n" * 30
    assert decode(text.encode(encoding)) == text


def test_lines_of_different_encodings() -> None:
    text = "# Größe\n# wäre für\nx = 'é'\n" + "# 日本語 – überprüft\n" * 5
    first, rest = text.split("\n", 1)
    assert decode(first.encode("latin-1") + b"\n" + rest.encode("utf-8")) == text


def test_one_broken_byte_costs_one_character() -> None:
    data = "# 日本語のコメント\n" * 4 + "# 日"
    broken = data.encode() + b"\xe6\x97\n"
    assert decode(broken) in (data + "\ufffd\n", data + "\ufffd\ufffd\n")


@pytest.mark.parametrize("data", [b"a\0b", b"\0" * 99, bytes(range(256)) * 40])
def test_what_is_binary(data: bytes) -> None:
    assert decode(data) is None


def test_any_bytes_are_decoded_without_an_error() -> None:
    for seed in range(1, 200):
        data = bytes((seed * i * i + 7 * i) % 255 + 1 for i in range(300))
        text = decode(data)
        assert text is not None
        assert text.count("\n") == data.count(b"\n")


def test_alphabets_are_loaded_late() -> None:
    check = "import sys; from codesearch.sources.decoding import decode; decode('ä'.encode())"
    check += "; assert 'codesearch.sources.alphabets' not in sys.modules; decode(b'f\\xfcr')"
    check += "; assert 'codesearch.sources.alphabets' in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True)
